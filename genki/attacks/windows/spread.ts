/** Mean of each coordinate, in float64. */
export function meanOf(updates: readonly Float32Array[]): Float64Array {
  const mean = new Float64Array(updates[0]!.length);
  for (const update of updates) {
    for (let i = 0; i < mean.length; i++) mean[i]! += update[i]! / updates.length;
  }
  return mean;
}

/** Standard deviation of each coordinate, over n. */
export function deviationOf(updates: readonly Float32Array[]): Float64Array {
  const mean = meanOf(updates);
  const square = new Float64Array(mean.length);
  for (const update of updates) {
    for (let i = 0; i < mean.length; i++) square[i]! += (update[i]! - mean[i]!) ** 2 / updates.length;
  }
  return square.map(Math.sqrt);
}

export const lengthOf = (vector: ArrayLike<number>): number => Math.sqrt(Array.from(vector).reduce((sum, x) => sum + x * x, 0));

/** ‖x − y‖ */
export const apart = (x: ArrayLike<number>, y: ArrayLike<number>): number => lengthOf(Array.from(x, (value, i) => value - y[i]!));

/** Root mean square distance of updates to their mean: the honest standard deviation, as a length. */
export const spreadOf = (updates: readonly Float32Array[]): number => lengthOf(deviationOf(updates));
