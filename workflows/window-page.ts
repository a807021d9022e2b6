import { factTable, literal, pageOf } from './markdown.ts';

/** ε before and after an update at a δ, and both in words. */
export type Privacy = { readonly before: number; readonly epsilon: number; readonly delta: number; readonly statement: string };

/** Where a training window has come to; what is not known yet is missing. */
export type WindowProgress = {
  readonly phase: string;
  readonly netuid?: number;
  readonly competition?: string;
  readonly hotkey?: string;
  readonly miner?: string;
  readonly window?: number;
  /** Of the window. */
  readonly lastBlock?: number;
  /** Of the lease. */
  readonly fence?: number;
  readonly steps?: number;
  /** Nats per code, of the first and the last step. */
  readonly loss?: { readonly first: number; readonly last: number };
  readonly adapterBytes?: number;
  /** Of the commit. */
  readonly block?: number;
  readonly keyPublished?: boolean;
  /** What is handed in for a window: its size, and how many times smaller that is than float32. */
  readonly update?: { readonly bytes: number; readonly ratio: number; readonly norm: number };
  /** What is promised of the miner's music when this update is out, too. */
  readonly privacy?: Privacy;
  /** What has to come, and by which block. */
  readonly waiting?: { readonly what: string; readonly until: number } | undefined;
  /** With an adapter that is passed on: the place in the queue, and the version that is trained from, 0 for none. */
  readonly relay?: { readonly place?: number; readonly version?: number };
  /** Why nothing was committed. */
  readonly ended?: string;
};

/** A window's line in the list of workflows. */
export const windowSummary = ({ netuid, window, miner }: { readonly netuid: number; readonly window: number; readonly miner: string }): string => `netuid ${netuid} · window ${window} · ${miner}`;

/** A window as a page to read, Markdown. */
export function windowPage({ phase, netuid, competition, hotkey, miner, window, lastBlock, fence, steps, loss, adapterBytes, block, keyPublished, update, privacy, waiting, relay, ended }: WindowProgress): string {
  const title = window === undefined ? `**${phase}**` : `**${phase}** · netuid ${netuid} · ${competition} · window ${window}, until block ${lastBlock}`;
  const facts = factTable([
    ['miner', miner && `${literal(miner)} ${literal(hotkey ?? '')}`],
    ['lease', fence === undefined ? undefined : `fence ${fence}`],
    ['training', steps === undefined ? undefined : `${steps} steps${loss ? `, loss ${loss.first.toFixed(3)} → ${loss.last.toFixed(3)}` : ''}`],
    ['adapter', adapterBytes === undefined ? undefined : `${(adapterBytes / 1024).toFixed(0)} KiB, sealed`],
    ['commit', block === undefined ? undefined : `block ${block}, final; its key ${keyPublished ? 'is published' : 'is not published yet'}`],
    ['privacy', privacy && literal(privacy.statement)],
    ['update', update && `${update.bytes} bytes, ${update.ratio.toFixed(0)} times smaller than float32, norm ${update.norm.toPrecision(3)}; ${keyPublished ? 'disclosed' : 'sealed'}`],
    ['waiting', waiting && `${literal(waiting.what)}, until block ${waiting.until}`],
    ['queue', relay?.place === undefined ? undefined : `place ${relay.place}`],
    ['from', relay?.version === undefined ? undefined : `version ${relay.version}`],
    ['ended', ended && literal(ended)],
  ]);
  return facts.length === 0 ? title : pageOf([title, '', ...facts]);
}
