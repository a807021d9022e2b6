/**
 * MusicGen's sinusoidal positions: row p is [cos(p w_0) … cos(p w_{h−1}) | sin(p w_0) … sin(p w_{h−1})] with
 * h = size / 2 and w_i = 10000^(−i / (h − 1)).
 * @param from the first position
 * @returns shape [count, size], row-major
 */
export function sinusoidalPositions(from: number, count: number, size: number): Float32Array {
  const half = size / 2;
  const step = Math.log(10_000) / Math.max(half - 1, 1);
  const out = new Float32Array(count * size);
  for (let i = 0; i < half; i++) {
    const speed = Math.exp(-i * step);
    for (let row = 0; row < count; row++) {
      const angle = (from + row) * speed;
      out[row * size + i] = Math.cos(angle);
      out[row * size + half + i] = Math.sin(angle);
    }
  }
  return out;
}
