import { fourierTransform } from './fft.ts';

/**
 * The power in each bin of each frame of a clip, under a Hann window. A sine of amplitude 1 in the middle of a bin has
 * power 1 there and 1/4 in either neighbour.
 */
export class PowerSpectrum {
  readonly #hop: number;
  readonly #window: Float64Array;
  readonly #transform: (real: Float64Array, imaginary: Float64Array) => void;

  /**
   * @param frameSize samples in a frame, a power of two
   * @param hop samples from one frame to the next
   * @throws {RangeError} when `frameSize` is no power of two
   */
  constructor(frameSize: number, hop: number) {
    this.#hop = hop;
    this.#transform = fourierTransform(frameSize);
    // a mean of 1, and a factor 2 / frameSize since a sine's two halves share the power
    this.#window = Float64Array.from({ length: frameSize }, (_, i) => (2 / frameSize) * (1 - Math.cos((2 * Math.PI * i) / frameSize)));
  }

  /**
   * Visits frame after frame. The clip goes round: what a frame lacks behind its end comes from its beginning.
   *
   * @param samples at least one
   * @param visit told a frame's power in the bins 1 … frameSize / 2 − 1; other entries mean nothing, and none stays
   */
  visit(samples: Float32Array, frames: number, visit: (power: Float64Array, frame: number) => void): void {
    const real = new Float64Array(this.#window.length);
    const imaginary = new Float64Array(this.#window.length);
    // two frames a transform, as its real and its imaginary part
    for (let frame = 0; frame < frames; frame += 2) {
      this.#load(real, samples, frame);
      this.#load(imaginary, samples, frame + 1);
      this.#transform(real, imaginary);
      separate(real, imaginary);
      visit(real, frame);
      if (frame + 1 < frames) visit(imaginary, frame + 1);
    }
  }

  #load(into: Float64Array, samples: Float32Array, frame: number): void {
    const window = this.#window;
    let at = (frame * this.#hop) % samples.length;
    for (let i = 0; i < into.length; i++) {
      into[i] = window[i]! * samples[at]!;
      if (++at === samples.length) at = 0;
    }
  }
}

/** A weighted part of a spectrum. */
export type Band = { readonly from: number; readonly weights: Float64Array };

/**
 * The bins of a triangle that rises from `lower` to 1 at `middle` and falls to `upper`, all in bins, on a scale of bins
 * or any other.
 */
export function triangle(edges: { readonly lower: number; readonly middle: number; readonly upper: number }, bins: number, scale: (bin: number) => number = (bin) => bin): Band {
  const [lower, middle, upper] = [edges.lower, edges.middle, edges.upper].map(scale) as [number, number, number];
  const from = Math.max(1, Math.ceil(edges.lower));
  const until = Math.max(from, Math.min(bins, Math.floor(edges.upper) + 1));
  return { from, weights: Float64Array.from({ length: until - from }, (_, i) => Math.min((scale(from + i) - lower) / (middle - lower), (upper - scale(from + i)) / (upper - middle))) };
}

/** Power in a band. */
export function bandPower(power: Float64Array, { from, weights }: Band): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * power[from + i]!;
  return sum;
}

/** Turns the transform of a + i b into the power of a, and that of b, in the bins 1 … size / 2 − 1. */
function separate(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  for (let k = 1; k < size / 2; k++) {
    const evenReal = real[k]! + real[size - k]!;
    const oddReal = real[size - k]! - real[k]!;
    const evenImaginary = imaginary[k]! + imaginary[size - k]!;
    const oddImaginary = imaginary[k]! - imaginary[size - k]!;
    real[k] = (evenReal * evenReal + oddImaginary * oddImaginary) / 4;
    imaginary[k] = (evenImaginary * evenImaginary + oddReal * oddReal) / 4;
  }
}
