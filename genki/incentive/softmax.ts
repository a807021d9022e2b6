/** Hotter than this all are paid alike, colder the best alone. */
export const TEMPERATURES = { least: 1e-6, most: 1e3 } as const;

/**
 * exp(x_i / T) / Σ_j exp(x_j / T).
 * @param scores finite; undefined for who has no part in it
 * @param temperature T, above 0, in the unit of the scores
 * @returns shape [scores], ≥ 0, summing to 1, or all 0 where nobody has part
 */
export function softmax(scores: readonly (number | undefined)[], temperature: number): number[] {
  const largest = Math.max(...scores.filter((score) => score !== undefined));
  const powers = scores.map((score) => (score === undefined ? 0 : Math.exp((score - largest) / temperature))); // the largest is 1: nothing overflows
  const sum = powers.reduce((total, power) => total + power, 0);
  return sum === 0 ? powers : powers.map((power) => power / sum);
}
