import { normalize, type Fixed } from './fixed-point.ts';
import type { SparseMatrix } from './sparse.ts';

/**
 * Consensus per column: the largest weight that validators with at least `kappa` of the stake agree on, as the
 * stake-weighted median of the column over the rows with stake.
 *
 * @param stake active stake by row, shape [n]
 * @returns shape [n], in I32F32
 */
export function consensusOf(weights: SparseMatrix, stake: readonly Fixed[], kappa: Fixed): Fixed[] {
  const voters = stake.flatMap((s, i) => (s > 0n ? [i] : []));
  const power = normalize(voters.map((i) => stake[i]!));
  const columns = weights.map(() => voters.map(() => 0n));
  voters.forEach((i, v) => {
    for (const [j, w] of weights[i]!) columns[j]![v] = w;
  });
  const total = power.reduce((sum, p) => sum + p, 0n);
  return columns.map((scores) => weightedMedian(scores, power, total - kappa, total));
}

/** Quick-select whose pivot is the middle of the remaining indices, as the runtime's is: ties must fall the same way. */
function weightedMedian(scores: readonly Fixed[], power: readonly Fixed[], minority: Fixed, total: Fixed): Fixed {
  let indices = scores.map((_, v) => v);
  let low = 0n;
  let high = total;
  for (;;) {
    if (indices.length === 0) return 0n;
    if (indices.length === 1) return scores[indices[0]!]!;
    const pivot = scores[indices[indices.length >> 1]!]!;
    const lower = indices.filter((v) => scores[v]! < pivot);
    const higher = indices.filter((v) => scores[v]! > pivot);
    const below = low + powerOf(lower, power);
    const above = high - powerOf(higher, power);
    if (lower.length > 0 && minority < below) [indices, high] = [lower, below];
    else if (higher.length > 0 && above <= minority) [indices, low] = [higher, above];
    else return pivot;
  }
}

const powerOf = (indices: readonly number[], power: readonly Fixed[]): Fixed => indices.reduce((sum, v) => sum + power[v]!, 0n);
