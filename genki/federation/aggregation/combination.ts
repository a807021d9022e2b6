import { BLOCK, blocksOf } from './kernels/block.ts';

/** Σ weights · updates in float64 in the order given, rounded once. Updates of weight 0 are not read. */
export function combination(updates: readonly Float32Array[], weights: Float64Array): Float32Array {
  const taken = updates.map((values, i): Part => ({ values, weight: weights[i]! })).filter(({ weight }) => weight !== 0);
  const result = new Float32Array(updates[0]!.length);
  const block = new Float64Array(BLOCK);
  for (const { from, to } of blocksOf(result.length)) {
    const sum = block.subarray(0, to - from).fill(0);
    for (let k = 0; k < taken.length; k += 4) addFour(sum, { parts: taken.slice(k, k + 4), from });
    result.set(sum, from);
  }
  return result;
}

type Part = { readonly values: Float32Array; readonly weight: number };

/** Four in one pass over the sum, one after the other: a quarter of the traffic, the same bits. */
function addFour(sum: Float64Array, { parts, from }: { readonly parts: readonly Part[]; readonly from: number }): void {
  const part = (index: number): Part => parts[index] ?? { ...parts[0]!, weight: 0 };
  const { values: a, weight: w } = part(0);
  const { values: b, weight: x } = part(1);
  const { values: c, weight: y } = part(2);
  const { values: d, weight: z } = part(3);
  for (let i = 0, at = from; i < sum.length; i++, at++) sum[i] = sum[i]! + w * a[at]! + x * b[at]! + y * c[at]! + z * d[at]!;
}
