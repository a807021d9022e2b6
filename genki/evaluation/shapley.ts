/** One more doubles the coalitions to be measured. */
export const MAX_PLAYERS = 10;

/**
 * Exact Shapley value of each player (Shapley 1953):
 *
 *     phi_i = sum over S not containing i of |S|! (n - |S| - 1)! / n! * (v(S + i) - v(S))
 *
 * @param values v(S) by coalition bit mask, shape [2^n], in score units; `values[0]` is the base model
 * @param n number of players, 1 to 10
 * @returns credit, shape [n], in score units; sums to v(all) - v(none)
 * @throws {RangeError} when `n`, the length of `values` or one of them is out of range
 */
export function shapley(values: readonly number[], n: number): number[] {
  if (!Number.isInteger(n) || n < 1 || n > MAX_PLAYERS) throw new RangeError(`Expected 1 to ${MAX_PLAYERS} players, got ${n}`);
  if (values.length !== 2 ** n) throw new RangeError(`Expected ${2 ** n} coalition values, got ${values.length}`);
  const unfit = values.findIndex((value) => !Number.isFinite(value));
  if (unfit >= 0) throw new RangeError(`Expected finite coalition values, got ${values[unfit]} for coalition ${unfit}`);

  const weight = [1 / n]; // |S|! (n - |S| - 1)! / n!, by |S|
  for (let s = 1; s < n; s++) weight.push((weight[s - 1]! * s) / (n - s));

  return Array.from({ length: n }, (_, i) =>
    values.reduce((phi, value, S) => (S & (1 << i) ? phi : phi + weight[size(S)]! * (values[S | (1 << i)]! - value)), 0),
  );
}

const size = (mask: number): number => (mask === 0 ? 0 : (mask & 1) + size(mask >>> 1));

/** The coalitions of n players in the order that `shapley` reads their values: members ascending, the empty one first. */
export function coalitions(n: number): number[][] {
  const players = Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: 2 ** n }, (_, mask) => players.filter((i) => mask & (1 << i)));
}
