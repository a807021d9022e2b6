import type { Hotkey } from '../chain/chain.ts';

/** An update that a miner made for a window, and kept together with what it left out, before any of it was uploaded. */
export type Made = {
  readonly window: number;
  /** Digest of the model that it was made from. */
  readonly base: string;
  /** sha256 of what was to be sent; null where that is drawn only when the window is over (slices). */
  readonly sent: string | null;
};

/** What an entry of the window log says of who was heard. */
export type Heard = { readonly window: number; readonly peers: readonly { readonly hotkey: Hotkey; readonly update: { readonly sha256: string } }[] };

/** What is known when a miner begins a window. */
export type Past<M extends Made> = {
  readonly hotkey: Hotkey;
  /** In any order. */
  readonly made: readonly M[];
  /** The log up to the window before, at least from the newest of `made` on. A window without an entry was closed by nobody. */
  readonly log: readonly Heard[];
};

/** What a window's update begins with, beside what it learns. */
export type Feedback<M extends Made> =
  /** Nothing: it is the first. */
  | { readonly kind: 'nothing' }
  /** What the newest one left out. */
  | { readonly kind: 'left-out'; readonly of: M }
  /** All of the newest one, as nobody has heard it. */
  | { readonly kind: 'all'; readonly of: M }
  /** It is there already: whoever made it did not live to hand it in, or does so now. */
  | { readonly kind: 'made'; readonly it: M }
  /** A later window was begun: to make one for this window now would count what it left out twice. */
  | { readonly kind: 'overtaken'; readonly by: M };

/**
 * What becomes of what earlier windows left out (error feedback, Seide et al. 2014): each value a miner has learnt is sent
 * once, however many windows are missed, refused or killed half-way.
 *
 * 1. What an update left out holds everything that all before it left out: only the newest one counts.
 * 2. It is kept before it is uploaded, and whether it was heard is what the log says, not what its miner remembers: killed
 *    at any point between, the next window decides the same.
 */
export function feedbackFor<M extends Made>(window: number, { hotkey, made, log }: Past<M>): Feedback<M> {
  const newest = made.reduce<M | undefined>((best, one) => (best === undefined || one.window > best.window ? one : best), undefined);
  if (newest === undefined) return { kind: 'nothing' };
  if (newest.window > window) return { kind: 'overtaken', by: newest };
  if (newest.window === window) return { kind: 'made', it: newest };
  const heard = log.some((entry) => entry.window === newest.window && entry.peers.some((peer) => peer.hotkey === hotkey && (newest.sent === null || peer.update.sha256 === newest.sent)));
  return { kind: heard ? 'left-out' : 'all', of: newest };
}
