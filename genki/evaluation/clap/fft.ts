/**
 * A discrete Fourier transform of one size: X[k] = Σ x[n] exp(−2πi k n / size), in place and in float64, by radix 2
 * with decimation in time (Cooley and Tukey 1965).
 *
 * @param size a power of two, 2 or more
 * @throws {RangeError} when it is none
 */
export function fourierTransform(size: number): (real: Float64Array, imaginary: Float64Array) => void {
  if (!Number.isInteger(size) || size < 2 || (size & (size - 1)) !== 0) throw new RangeError(`Expected a power of two, got ${size}`);
  const half = size / 2;
  const cos = Float64Array.from({ length: half }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: half }, (_, k) => Math.sin((2 * Math.PI * k) / size));
  const reversed = new Uint32Array(size);
  for (let i = 1; i < size; i++) reversed[i] = (reversed[i >> 1]! >> 1) | (i & 1 ? half : 0);

  return (real, imaginary) => {
    for (let i = 0; i < size; i++) {
      const j = reversed[i]!;
      if (j <= i) continue;
      const re = real[i]!;
      const im = imaginary[i]!;
      real[i] = real[j]!;
      imaginary[i] = imaginary[j]!;
      real[j] = re;
      imaginary[j] = im;
    }
    for (let span = 1; span < size; span *= 2) {
      const stride = half / span;
      for (let from = 0; from < size; from += 2 * span) {
        for (let i = from, k = 0; i < from + span; i++, k += stride) {
          const j = i + span;
          const re = cos[k]! * real[j]! + sin[k]! * imaginary[j]!;
          const im = cos[k]! * imaginary[j]! - sin[k]! * real[j]!;
          real[j] = real[i]! - re;
          imaginary[j] = imaginary[i]! - im;
          real[i]! += re;
          imaginary[i]! += im;
        }
      }
    }
  };
}
