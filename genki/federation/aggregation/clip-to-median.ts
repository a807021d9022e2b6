import { medianNorm, type NormBounds } from '../norm-clip.ts';

/**
 * By what each update of a window is multiplied so that none is longer than their median norm between floor and cap. A short
 * one stays short: how much a peer has learned is not made up.
 *
 * @returns in [0, 1], in the order of the updates; 0 for a norm that is not finite, which does not count in the median
 */
export function clipToMedian(updates: readonly Float32Array[], bounds: NormBounds): number[] {
  return clipFactors(updates.map(normOfAny), bounds);
}

/** The same of norms that are known. */
export function clipFactors(norms: readonly number[], bounds: NormBounds): number[] {
  const median = medianNorm(norms, bounds);
  return norms.map((norm) => (Number.isFinite(norm) ? Math.min(1, median / Math.max(norm, Number.MIN_VALUE)) : 0));
}

function normOfAny(update: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < update.length; i++) sum += update[i]! * update[i]!;
  return Math.sqrt(sum);
}
