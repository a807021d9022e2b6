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
