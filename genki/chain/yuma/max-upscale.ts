/**
 * The row as the chain stores it: scaled so that its largest value is 65535. Up to 32768 the quotient is rounded half
 * up; above, the factor 65535/max is cut to 32 fraction bits first, as the runtime does. All zero stays zero.
 *
 * @param weights u16
 * @returns u16, same length
 */
export function maxUpscale(weights: readonly number[]): number[] {
  const max = Math.max(0, ...weights);
  if (max === 0 || max === 65535) return [...weights];
  if (max <= 32768) return weights.map((w) => Math.floor((w * 65535 * 2 + max) / (max * 2)));
  const factor = (65535n << 32n) / BigInt(max);
  return weights.map((w) => Number((BigInt(w) * factor + (1n << 31n)) >> 32n));
}
