import type { Similarity } from './similarity.ts';

/** From here on a submission counts as a copy of the earlier one; honest updates of one base stay below .3. */
export const COPY_SIMILARITY = 0.5;

/**
 * From here on a submission counts as mixed from earlier ones. Higher than for one of them: among ever more honest miners
 * of one style the correlation comes to .48 and tends to the root of their mean cosine, .5. Noise as long as the mixture makes .71.
 */
export const COPY_SPAN = 0.7;

export type Duplicate = { readonly index: number; readonly to: number; readonly similarity: number; readonly reason: string };

/**
 * Parts the copies from what goes on to be measured (protocol §3.16a): Shapley's value cannot tell a copy from its
 * original and would share the credit between them.
 *
 * @param found of each submission in commit order, as `closestEarlier` returns it
 * @returns indices of the originals, ascending, and every copy with what it copies
 */
export function deduplicate(found: readonly Similarity[], threshold = COPY_SIMILARITY): { originals: number[]; duplicates: Duplicate[] } {
  const originals: number[] = [];
  const duplicates: Duplicate[] = [];
  found.forEach(({ similarity, to, by }, index) => {
    const least = by === 'span' ? Math.max(COPY_SPAN, threshold) : threshold;
    if (to === undefined || similarity < least) originals.push(index);
    else duplicates.push({ index, to, similarity, reason: `${by === 'span' ? 'mixture of earlier submissions' : 'copy of an earlier submission'}: similarity ${similarity.toFixed(3)}, ${least} or more is a copy` });
  });
  return { originals, duplicates };
}
