import { InvalidInput } from '../errors.ts';

/** The window that a block lies in; `windowBlocks` is frozen for a run (protocol §2.7). */
export function windowOf(block: number, windowBlocks: number): number {
  checkBlocks(block, windowBlocks);
  return Math.floor(block / windowBlocks);
}

/** The first and the last block of a window. */
export function windowBounds(window: number, windowBlocks: number): { readonly first: number; readonly last: number } {
  checkBlocks(window, windowBlocks);
  const first = window * windowBlocks;
  return { first, last: first + windowBlocks - 1 };
}

/** Of a competition of delta windows: all in blocks. */
export type WindowTiming = { readonly windowBlocks: number; readonly uploadBlocks: number; readonly revealBlocks: number; readonly successionBlocks: number };

/** The blocks at which a window goes on; each step is due as soon as the finalized head is there or later, since blocks are skipped and heads jump. */
export type WindowSchedule = {
  readonly first: number;
  /** What is not there once this block is final is too late. */
  readonly deadline: number;
  readonly last: number;
  /** What is not disclosed once this block is final stays shut; the first leader's turn begins. */
  readonly reveal: number;
  /** How many validators have a turn, one after the other: as many as leave half of the next window to train in, and one at least. */
  readonly turns: number;
  /** A window that nobody has closed by now never is, and the model stays as it was. */
  readonly over: number;
};

/** @throws {InvalidInput} when a block or window is not one */
export function windowSchedule(window: number, { windowBlocks, uploadBlocks, revealBlocks, successionBlocks }: WindowTiming): WindowSchedule {
  const { first, last } = windowBounds(window, windowBlocks);
  const reveal = last + revealBlocks;
  const turns = Math.max(1, Math.floor((last + windowBlocks - uploadBlocks - reveal) / 2 / successionBlocks));
  return { first, last, deadline: last - uploadBlocks, reveal, turns, over: reveal + turns * successionBlocks };
}

/** From which block on the leader of this rank may close the window, 0 being the first. */
export const turnOf = ({ reveal }: Pick<WindowSchedule, 'reveal'>, rank: number, { successionBlocks }: Pick<WindowTiming, 'successionBlocks'>): number => reveal + rank * successionBlocks;

/** Where a window is: nothing of it happens before its first block, and each step once its block is final. */
export type WindowStep = 'ahead' | 'open' | 'uploaded' | 'disclosing' | 'closing' | 'over';

export function windowStep({ first, deadline, last, reveal, over }: WindowSchedule, head: number): WindowStep {
  if (head < first) return 'ahead';
  if (head < deadline) return 'open';
  if (head < last) return 'uploaded';
  if (head < reveal) return 'disclosing';
  return head < over ? 'closing' : 'over';
}

/** The blocks whose hashes make the seed of a window's hold-out: nobody knows them before it is over. */
export const holdOutBlocks = ({ last }: Pick<WindowSchedule, 'last'>, seedBlocks: number): number[] => seedBlocksOf(last + 1, seedBlocks);

/** The block whose state a round of the epoch looks at, once it is finalized (§1.6b). */
export function snapshotBlock(epochStart: number, snapshotOffsetBlocks: number): number {
  checkBlocks(epochStart + snapshotOffsetBlocks, 1);
  return epochStart + snapshotOffsetBlocks;
}

/** The blocks whose hashes make a round's seeds: S … S + k, so that no single author chooses them. */
export function seedBlocksOf(snapshot: number, seedBlocks: number): number[] {
  checkBlocks(snapshot, 1);
  return Array.from({ length: seedBlocks + 1 }, (_, i) => snapshot + i);
}

/** Whether a commit has waited long enough: its evaluation data must come from a seed that did not exist yet (§1.5). */
export const isEvaluable = (commitBlock: number, head: number, evalDelayBlocks: number): boolean => head - commitBlock >= evalDelayBlocks;

function checkBlocks(count: number, length: number): void {
  if (!Number.isSafeInteger(count) || count < 0) throw new InvalidInput(`Expected a block or window from 0 on, got ${count}`);
  if (!Number.isSafeInteger(length) || length < 1) throw new InvalidInput(`Expected a window of at least one block, got ${length}`);
}
