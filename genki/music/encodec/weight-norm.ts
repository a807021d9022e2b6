/**
 * The kernel that a weight norm (Salimans and Kingma 2016) stands for: w = g v / |v|, the norm over all axes but the first.
 * For a transposed convolution the first axis is its input channel.
 * @param g one gain for each index of the first axis
 * @param v directions, shape [g.length, …]
 * @returns of v's shape; NaN where a direction is 0
 */
export function foldWeightNorm(g: Float32Array, v: Float32Array): Float32Array {
  const width = v.length / g.length;
  const w = new Float32Array(v.length);
  for (let row = 0; row < g.length; row++) {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += v[i]! * v[i]!;
    const scale = g[row]! / Math.sqrt(squares);
    for (let i = row * width; i < (row + 1) * width; i++) w[i] = scale * v[i]!;
  }
  return w;
}
