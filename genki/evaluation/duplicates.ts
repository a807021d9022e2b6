import type { Similarity } from './similarity.ts';

/** From here on a submission counts as a copy of the earlier one; honest updates of one base stay below .1. */
export const COPY_SIMILARITY = 0.5;

export type Duplicate = { readonly index: number; readonly to: number; readonly similarity: number; readonly reason: string };

/**
 * Parts the copies from what goes on to be measured (protocol §3.16a): Shapley's value cannot tell a copy from its
 * original and would share the credit between them.
 *
 * @param found of each submission in commit order, as `similarities` returns it
 * @returns indices of the originals, ascending, and every copy with what it copies
 */
export function deduplicate(found: readonly Similarity[], threshold = COPY_SIMILARITY): { originals: number[]; duplicates: Duplicate[] } {
  const originals: number[] = [];
  const duplicates: Duplicate[] = [];
  found.forEach(({ similarity, to }, index) => {
    if (to === undefined || similarity < threshold) originals.push(index);
    else duplicates.push({ index, to, similarity, reason: `copy of an earlier submission: similarity ${similarity.toFixed(3)}, ${threshold} or more is a copy` });
  });
  return { originals, duplicates };
}
