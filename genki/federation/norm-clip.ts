/** Norms that a median may not leave: many tiny updates cannot shrink the honest ones, many huge ones cannot free each other. */
export type NormBounds = { readonly floor: number; readonly cap: number };

/** By how much an update is lengthened at most: honest norms lie within a fifth of each other, and the halves of one update are not to become two. */
export const MOST_LENGTHENED = 1.2;

/**
 * The norm that updates are brought to: their median between floor and cap.
 *
 * @param norms Frobenius norms; the lower one of the two middle norms counts as the median of an even number, the cap as that of none
 */
export function medianNorm(norms: readonly number[], { floor, cap }: NormBounds): number {
  if (!(floor > 0 && floor <= cap)) throw new RangeError(`Expected 0 < floor <= cap, got ${floor} and ${cap}`);
  const finite = norms.filter(Number.isFinite).sort((a, b) => a - b);
  const median = finite[(finite.length - 1) >> 1] ?? cap;
  return Math.min(Math.max(median, floor), cap);
}

/**
 * By what an update is multiplied so that it is as long as all others. Merely shortened, one that was too short would gain by
 * claiming to be longer: how long somebody made it says nothing, and pays nothing.
 *
 * @returns in [0, 1.2]; 0 for a norm that is not finite
 */
export const lengthFactor = (norm: number, length: number): number => (Number.isFinite(norm) ? Math.min(MOST_LENGTHENED, length / Math.max(norm, Number.MIN_VALUE)) : 0);
