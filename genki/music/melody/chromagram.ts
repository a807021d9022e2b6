import { fourierTransform } from '../../evaluation/clap/fft.ts';

/** Frames of `size` samples, a power of two, `hop` samples apart. */
export type ChromaAnalysis = { readonly sampleRate: number; readonly bins: number; readonly size: number; readonly hop: number };

/** Of the octaves from A0 on: where hearing is best, and how fast it falls off. */
const MIDDLE_OCTAVE = 5;
const OCTAVES = 2;
const A0_HZ = 27.5;

/**
 * The energy of each pitch class, the first being C where there are twelve: under a Hann window, frame after frame around
 * the samples 0, hop, 2 hop …, the sound being mirrored at its ends; a sound shorter than a frame has silence on either side.
 * @param samples at least one
 * @returns shape [1 + ⌊samples / hop⌋, bins]
 */
export function chromagram(samples: Float32Array, analysis: ChromaAnalysis): Float64Array {
  const { bins, size, hop } = analysis;
  const sound = mirrored(samples, size);
  const window = Float64Array.from({ length: size }, (_, i) => (1 - Math.cos((2 * Math.PI * i) / size)) / 2);
  const filters = chromaFilters(analysis);
  const transform = fourierTransform(size);
  const [real, imaginary, power] = [new Float64Array(size), new Float64Array(size), new Float64Array(size / 2 + 1)];
  const frames = 1 + Math.floor((sound.length - size) / hop);
  const out = new Float64Array(frames * bins);
  for (let frame = 0; frame < frames; frame++) {
    for (let i = 0; i < size; i++) real[i] = window[i]! * sound[frame * hop + i]!;
    imaginary.fill(0);
    transform(real, imaginary);
    for (let k = 0; k < power.length; k++) power[k] = real[k]! * real[k]! + imaginary[k]! * imaginary[k]!;
    for (let c = 0; c < bins; c++) out[frame * bins + c] = dot(filters[c]!, power);
  }
  return out;
}

/** A sound of at least `size` samples, by silence on either side, and before and behind it half as many mirrored, the ends not repeated. */
function mirrored(samples: Float32Array, size: number): Float64Array {
  const [half, short] = [size / 2, Math.max(0, size - samples.length)];
  const length = samples.length + short;
  const out = new Float64Array(length + size);
  out.set(samples, half + Math.floor(short / 2));
  for (let i = 1; i <= half; i++) {
    out[half - i] = out[half + i]!;
    out[half + length - 1 + i] = out[half + length - 1 - i]!;
  }
  return out;
}

/**
 * What each frequency counts towards each pitch class: a bell around it in every octave, of a length of 1 over all classes,
 * less the farther from the middle octave. Source: `chroma_filter_bank` of transformers 4.57, after librosa's, after
 * D. Ellis' chroma of 2007.
 * @returns by class, shape [bins][size / 2 + 1]
 */
export function chromaFilters({ sampleRate, bins, size }: Omit<ChromaAnalysis, 'hop'>): Float64Array[] {
  const place = (k: number): number => bins * Math.log2((k * sampleRate) / size / A0_HZ); // in classes above A0
  const places = Float64Array.from({ length: size + 1 }, (_, k) => (k === 0 ? place(1) - 1.5 * bins : place(k)));
  const filters = Array.from({ length: bins }, () => new Float64Array(size / 2 + 1));
  const half = halfToEven(bins);
  const toC = 3 * Math.floor(bins / 12);
  for (let k = 0; k <= size / 2; k++) {
    const width = Math.max(places[k + 1]! - places[k]!, 1);
    const bells = Float64Array.from({ length: bins }, (_, c) => Math.exp(-0.5 * ((2 * (modulo(places[k]! - c + half, bins) - half)) / width) ** 2));
    const norm = Math.sqrt(dot(bells, bells));
    const heard = Math.exp(-0.5 * ((places[k]! / bins - MIDDLE_OCTAVE) / OCTAVES) ** 2);
    for (let c = 0; c < bins; c++) filters[c]![k] = (heard * bells[(c + toC) % bins]!) / norm;
  }
  return filters;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const modulo = (x: number, n: number): number => ((x % n) + n) % n;
/** n / 2, a half rounded to the even whole number. */
const halfToEven = (n: number): number => (n % 2 === 0 ? n / 2 : 2 * Math.round(n / 4));
