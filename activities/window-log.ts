import type { Chain, Hotkey } from '../genki/chain/chain.ts';
import type { Checkpoint } from '../genki/federation/window-state.ts';
import { MAX_ENTRY_BYTES, readWindowEntry } from '../genki/protocol/window-log.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { firstWindow } from './delta-competition.ts';
import type { Deployment } from './deployment.ts';
import { LogMemory } from './log-memory.ts';
import { LogWalk, type Logged } from './log-walk.ts';
import { turnAt, type Line } from './window-line.ts';

export type { Logged } from './log-walk.ts';

/** `memory` saves looking twice at what does not change. */
export type LogDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly memory?: LogMemory };

/** What a node has, and what it wants. */
export type Following = {
  /** The model that it has, the last window that is in it, and the entry that made it, where it knows that; null: none. */
  readonly from: { readonly window: number; readonly digest: string; readonly entry?: Logged | undefined } | null;
  /** The last window that is wanted. */
  readonly to: number;
  /** sha256 of entries that were found to be wrong, or where they lie: nothing goes on from them. */
  readonly without?: readonly string[];
  /** Leaves aside logs that the node's model is not in, whatever they cost. */
  readonly stay?: boolean;
};

/** Where the entries begin: at the node's own model, at a leader's checkpoint, or at the Dama of the competition. */
export type Start = { readonly kind: 'own' } | { readonly kind: 'checkpoint'; readonly checkpoint: Checkpoint } | { readonly kind: 'genesis' };

export type Followed =
  /** Oldest first; a window that none of them is of was missed. */
  | { readonly kind: 'there'; readonly start: Start; readonly entries: readonly Logged[] }
  /** Nobody has closed the window yet; whose turn it is, and until which block it is that one's alone. */
  | { readonly kind: 'waiting'; readonly window: number; readonly leader: Hotkey | null; readonly untilBlock: number }
  /** After this window the log has another model than the node; by which entries. */
  | { readonly kind: 'forked'; readonly window: number; readonly entries: readonly { readonly hotkey: Hotkey; readonly window: number; readonly sha256: string; readonly after: string }[] };

/** A node that is farther behind begins from a checkpoint, where there is one. */
const MOST_ENTRIES = 100;
/** How far back two logs are held against each other, and against what most of the stake has taken. */
export const COMPARED_WINDOWS = 8;

/**
 * The entries that lead from a model to that after a window (protocol §2.11), found from their end, as each names the file of
 * the one before.
 *
 * 1. Of a window those entries count that a validator has signed whose turn had come, in the line that the chain draws, and
 *    whose peers signed for what they say.
 * 2. Of several logs the one counts whose leaders stood foremost: the sum of their ranks over the last windows, in which one
 *    that the log leaves out counts as one closed by nobody in line. Of equals, the node's own, then the one whose newest entry
 *    was first in line.
 *    So who leads one window cannot take back what others closed before.
 * 3. What validators with more than half of the stake have taken nobody takes back: of the last windows, no log counts that
 *    leaves the newest such entry out. So a leader who comes late does not replace the stand-in's, and who has no model yet
 *    need not trust who happens to lead.
 * 4. A window that nobody has closed in time is missed: the next entry goes on from the one before it.
 *
 * @throws {ChainUnavailable} {StoreUnavailable}
 */
export async function followLog(deps: LogDeps, { from, to, without = [], stay = false }: Following): Promise<Followed> {
  const { deployment, memory = new LogMemory() } = deps;
  const walk = await LogWalk.open({ ...deps, memory });
  const begin = firstWindow(deployment.competition) - 1;
  for (let window = to; window > (from?.window ?? begin); window--) {
    const line = await walk.line(window);
    let tips = await walk.unlessSettled(await walk.entriesOf(line, without), { window, downTo: Math.max(begin, window - COMPARED_WINDOWS) });
    for (let tip = await foremost(walk, { line, tips, from, begin }); tip; tip = await foremost(walk, { line, tips, from, begin })) {
      const path = unlessOn(await pathTo(walk, tip, { from, begin }), without);
      if (path.kind !== 'forked' || !stay) return path;
      tips = tips.filter((one) => one !== tip);
    }
    if (walk.head.number < line.schedule.over) return { kind: 'waiting', window, ...turnAt(deployment, line, walk.head) };
  }
  return { kind: 'there', start: from ? { kind: 'own' } : { kind: 'genesis' }, entries: [] };
}

/** Whether some entry of the last windows left the model with this digest. */
export async function isInLog({ memory = new LogMemory(), ...deps }: LogDeps, { window, digest }: NonNullable<Following['from']>): Promise<boolean> {
  const walk = await LogWalk.open({ ...deps, memory });
  return (await walk.entryWith(digest, { from: window, downTo: window - COMPARED_WINDOWS + 1 })) !== undefined;
}

/** The entry that a node keeps beside the model that it made; undefined beside the competition's first. */
export async function keptEntry(store: ObjectStore, ref: ObjectRef | null): Promise<Logged | undefined> {
  return ref ? { ref, entry: readWindowEntry(await store.get(ref, { maxBytes: MAX_ENTRY_BYTES })) } : undefined;
}

type Choice = Pick<Following, 'from'> & { readonly line: Line; /** the first in line first */ readonly tips: readonly Logged[]; readonly begin: number };

/** The newest entry of the log that counts; undefined where that is the node's own, which goes no further. */
async function foremost(walk: LogWalk, { line, tips, from, begin }: Choice): Promise<Logged | undefined> {
  const [only] = tips;
  if (tips.length <= 1 && (!only || !from || only.entry.before === from.digest)) return only;
  const downTo = Math.max(begin, line.window - COMPARED_WINDOWS);
  const own = from && (from.entry ?? (await walk.entryWith(from.digest, { from: from.window, downTo: downTo + 1 })));
  const costOf = async (tip: Logged): Promise<number> => costOn(await walk.trailOf(tip, downTo), { line, downTo });
  const logs: { tip: Logged | undefined; cost: number }[] = own ? [{ tip: undefined, cost: await costOf(own) }] : [];
  for (const tip of tips) logs.push({ tip, cost: await costOf(tip) });
  return logs.sort((a, b) => a.cost - b.cost)[0]?.tip;
}

function costOn(trail: readonly Logged[], { line: { window, schedule }, downTo }: { readonly line: Line; readonly downTo: number }): number {
  const ranks = new Map(trail.map(({ entry }) => [entry.window, entry.rank]));
  return Array.from({ length: window - downTo }, (_, i) => ranks.get(window - i) ?? schedule.turns).reduce((sum, rank) => sum + rank, 0);
}

/** The entries up to the newest one: from the node's model, else from the newest checkpoint, or from the beginning. */
async function pathTo(walk: LogWalk, tip: Logged, { from, begin }: Pick<Following, 'from'> & { readonly begin: number }): Promise<Followed> {
  const entries = [tip];
  let newest: { readonly checkpoint: Checkpoint; readonly entries: readonly Logged[] } | undefined;
  for (;;) {
    const [{ entry }] = entries as [Logged];
    if (entry.before === from?.digest) return { kind: 'there', start: { kind: 'own' }, entries };
    const checkpoint = newest ? undefined : await walk.checkpointOf(entry);
    if (checkpoint) newest = { checkpoint, entries: [...entries] };
    if (newest && (!from || entries.length >= MOST_ENTRIES)) return { kind: 'there', start: { kind: 'checkpoint', checkpoint: newest.checkpoint }, entries: newest.entries };
    if (!from && entry.previous === null) return { kind: 'there', start: { kind: 'genesis' }, entries };
    const previous = await walk.previousOf(entry);
    if (from && (previous?.entry.window ?? begin) <= from.window) return forked(from.window, previous ?? entries[0]!);
    if (!previous) return forked(entry.window, entries[0]!);
    entries.unshift(previous);
  }
}

/** A path that goes over an entry that was found to be wrong leads nowhere. */
function unlessOn(path: Followed, without: readonly string[]): Followed {
  if (path.kind !== 'there') return path;
  const wrong = path.entries.find(({ ref }) => without.includes(ref.sha256));
  return wrong ? forked(wrong.entry.window - 1, wrong) : path;
}

const forked = (window: number, { ref: { sha256 }, entry: { hotkey, window: of, after } }: Logged): Followed => ({ kind: 'forked', window, entries: [{ hotkey, window: of, sha256, after }] });
