/** What is published of one miner's music: `noise` in units of the clip, on each of so many windows. */
export type Release = { readonly noise: number; readonly windows: number; readonly delta: number };

/** How many decades of order − 1 around the first guess are searched, natural logarithm. */
const SPAN = 8;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The ε that the updates of all windows together keep to, at this δ: for any set of things that somebody may see,
 * P(seen | with the music) ≤ e^ε · P(seen | without it) + δ, and the other way round.
 *
 * A window's Gaussian noise has the Rényi divergence α / (2 noise²) at order α (Mironov 2017, corollary 3); windows add up,
 * also where a later one depends on what came of those before. At each order (Canonne, Kamath and Steinke 2020, proposition 12;
 * Balle et al. 2020, theorem 21)
 *
 *     ε(α) = windows · α / (2 noise²) + ln((α − 1) / α) − (ln δ + ln α) / (α − 1)
 *
 * of which the least over all real α > 1 is returned. The unit is all of one miner's music, added or removed; every
 * window has all of it, so nothing is won by sampling. This is an upper bound, 5 to 12 % above the exact ε where that is below 3.
 *
 * @returns ε and the order that it was found at; 0 and Infinity when nothing was published
 * @throws {RangeError} when the noise is not positive, the windows are no count, or δ is not between 0 and 1
 */
export function epsilonOf({ noise, windows, delta }: Release): { epsilon: number; order: number } {
  if (!(noise > 0 && noise < Infinity)) throw new RangeError(`Expected positive noise, got ${noise}`);
  if (!(delta > 0 && delta < 1)) throw new RangeError(`Expected a delta between 0 and 1, got ${delta}`);
  if (!Number.isSafeInteger(windows) || windows < 0) throw new RangeError(`Expected a number of windows, got ${windows}`);
  if (windows === 0) return { epsilon: 0, order: Infinity };
  const divergence = windows / (2 * noise * noise);
  const epsilonAt = (excess: number): number => divergence * (1 + excess) + Math.log(excess / (1 + excess)) - (Math.log(delta) + Math.log1p(excess)) / excess;
  const guess = Math.log(Math.sqrt(-Math.log(delta) / divergence));
  const logExcess = leastOf((t) => epsilonAt(Math.exp(t)), guess - SPAN, guess + SPAN);
  return { epsilon: Math.max(0, epsilonAt(Math.exp(logExcess))), order: 1 + Math.exp(logExcess) };
}

/**
 * How many windows an ε allows: the most whose `epsilonOf` is not above it.
 * @throws {RangeError} as `epsilonOf`, or when ε is negative or not a number
 */
export function windowsWithin({ noise, delta, epsilon }: Omit<Release, 'windows'> & { readonly epsilon: number }): number {
  if (!(epsilon >= 0 && epsilon < Infinity)) throw new RangeError(`Expected an ε of 0 or more, got ${epsilon}`);
  const fits = (windows: number): boolean => epsilonOf({ noise, windows, delta }).epsilon <= epsilon;
  let [most, tooMany] = [0, 1];
  while (tooMany < Number.MAX_SAFE_INTEGER && fits(tooMany)) [most, tooMany] = [tooMany, Math.min(2 * tooMany, Number.MAX_SAFE_INTEGER)];
  while (tooMany - most > 1) {
    const middle = most + Math.floor((tooMany - most) / 2);
    if (fits(middle)) most = middle;
    else tooMany = middle;
  }
  return most;
}

/** Where a function that first falls and then rises is least, by golden sections (Kiefer 1953). */
function leastOf(f: (x: number) => number, low: number, high: number): number {
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [atLeft, atRight] = [f(left), f(right)];
  while (high - low > 1e-9) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - GOLDEN * (high - low);
      atLeft = f(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + GOLDEN * (high - low);
      atRight = f(right);
    }
  }
  return (low + high) / 2;
}
