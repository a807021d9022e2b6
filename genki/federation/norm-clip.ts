/** Norms that a median may not leave: many tiny updates cannot shrink the honest ones, many huge ones cannot free each other. */
export type NormBounds = { readonly floor: number; readonly cap: number };

/**
 * By what each update is multiplied so that none is longer than the median of all:
 *
 *     min(1, clamp(median(norms), floor, cap) / norm)
 *
 * @param norms Frobenius norms of the updates; the lower one of the two middle norms counts as the median of an even number
 * @returns factors in (0, 1]; 0 for a norm that is not finite
 */
export function clipToMedianNorm(norms: readonly number[], { floor, cap }: NormBounds): number[] {
  if (!(floor > 0 && floor <= cap)) throw new RangeError(`Expected 0 < floor <= cap, got ${floor} and ${cap}`);
  const finite = norms.filter(Number.isFinite).sort((a, b) => a - b);
  const median = finite[(finite.length - 1) >> 1] ?? cap;
  const limit = Math.min(Math.max(median, floor), cap);
  return norms.map((norm) => (Number.isFinite(norm) ? Math.min(1, limit / Math.max(norm, Number.MIN_VALUE)) : 0));
}
