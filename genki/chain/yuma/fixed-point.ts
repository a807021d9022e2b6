/**
 * Signed fixed-point numbers as the runtime keeps them, held as raw BigInts: I32F32 counts in steps of 2⁻³².
 * Sums are plain `+`. Nothing here saturates except `toU16`: all inputs of an epoch are u16 or already ≤ 1,
 * so no intermediate value comes near 2³¹.
 */
export type Fixed = bigint;

const FRACTION = 32n;

/** One, in I32F32. */
export const ONE: Fixed = 1n << FRACTION;

/** The I32F32 of an integer. */
export const fromInt = (n: number): Fixed => BigInt(n) << FRACTION;

/** a · b, rounded down. */
export const mul = (a: Fixed, b: Fixed): Fixed => (a * b) >> FRACTION;

/** a / b, rounded toward zero; 0 when b is 0. */
export const div = (a: Fixed, b: Fixed): Fixed => (b === 0n ? 0n : (a << FRACTION) / b);

/** u16 / 65535, the runtime's reading of a stored proportion. */
export const proportion = (u16: number): Fixed => div(fromInt(u16), fromInt(65535));

/** A proportion in [0, 1] as the runtime stores it: floor(x · 65535), kept within u16. */
export function toU16(x: Fixed): number {
  const scaled = mul(x, fromInt(65535)) >> FRACTION;
  return scaled < 0n ? 0 : scaled > 65535n ? 65535 : Number(scaled);
}

/** Between `low` and `high`. */
export const clamp = (x: Fixed, low: Fixed, high: Fixed): Fixed => (x < low ? low : x > high ? high : x);

/** The plain sum. */
export const sum = (xs: readonly Fixed[]): Fixed => xs.reduce((total, x) => total + x, 0n);

/** Each x over the sum; all unchanged when the sum is 0. */
export function normalize(xs: readonly Fixed[]): Fixed[] {
  const total = sum(xs);
  return total === 0n ? [...xs] : xs.map((x) => div(x, total));
}

/**
 * Integers over their sum: divided in I64F64 (truncated), then cut to I32F32.
 *
 * @param amounts non-negative integers, for instance stake in rao
 * @returns shares in I32F32; all 0 when the sum is 0
 */
export function shares(amounts: readonly bigint[]): Fixed[] {
  const total = sum(amounts);
  return amounts.map((amount) => (total === 0n ? 0n : ((amount << 64n) / total) >> FRACTION));
}

const TAYLOR = Array.from({ length: 30 }, (_, i) => BigInt(i + 2));

/** eˣ by the runtime's Taylor sum to the 31st power; 1/e⁻ˣ for negative x. */
export function exp(x: Fixed): Fixed {
  if (x < 0n) return div(ONE, exp(-x));
  let total = ONE + x;
  let term = x;
  for (const i of TAYLOR) {
    // the same as div by fromInt(i)
    term = mul(term, x) / i;
    if (term === 0n) return total;
    total += term;
  }
  return total;
}
