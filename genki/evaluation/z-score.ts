/**
 * How many standard errors a gain has to exceed when `candidates` are tested at once, so that the chance of any false
 * alarm stays what `z` standard errors leave to one candidate alone (Bonferroni).
 *
 * @returns 2.00 for one candidate and z = 2, 2.72 for seven; off by less than 1e-3
 */
export function correctedThreshold(z: number, candidates: number): number {
  if (!Number.isInteger(candidates) || candidates < 1) throw new RangeError(`Expected at least one candidate, got ${candidates}`);
  return upperQuantile(upperTail(z) / candidates);
}

/** Chance of a normal draw above z ≥ 0: formula 26.2.17 of Abramowitz and Stegun, absolute error below 7.5e-8. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}

/** Where that chance is p ≤ 1/2: formula 26.2.23 there, absolute error below 4.5e-4. */
function upperQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(p));
  return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}
