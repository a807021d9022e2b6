/** One more doubles the coalitions to be measured. */
export const MAX_PLAYERS = 10;
/** Two to the power of this many values still fit into memory easily. */
const MOST_ENUMERATED = 24;

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
  return shapleyOfAll(values, n);
}

/**
 * As `shapley`, for up to 24 players: where somebody has all the values.
 * @throws {RangeError}
 */
export function shapleyOfAll(values: ArrayLike<number>, n: number): number[] {
  if (!Number.isInteger(n) || n < 1 || n > MOST_ENUMERATED) throw new RangeError(`Expected 1 to ${MOST_ENUMERATED} players, got ${n}`);
  if (values.length !== 2 ** n) throw new RangeError(`Expected ${2 ** n} coalition values, got ${values.length}`);
  const weight = [1 / n]; // |S|! (n - |S| - 1)! / n!, by |S|
  for (let s = 1; s < n; s++) weight.push((weight[s - 1]! * s) / (n - s));

  const phi = Array.from({ length: n }, () => 0);
  for (let S = 0; S < values.length; S++) {
    if (!Number.isFinite(values[S])) throw new RangeError(`Expected finite coalition values, got ${values[S]} for coalition ${S}`);
    const w = weight[size(S)]!; // none for everybody, whom nobody can join
    for (let i = 0; i < n; i++) if (!(S & (1 << i))) phi[i]! += w * (values[S | (1 << i)]! - values[S]!);
  }
  return phi;
}

const size = (mask: number): number => (mask === 0 ? 0 : (mask & 1) + size(mask >>> 1));

/** The coalitions of n players in the order that `shapley` reads their values: members ascending, the empty one first. */
export function coalitions(n: number): number[][] {
  const players = Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: 2 ** n }, (_, mask) => players.filter((i) => mask & (1 << i)));
}
