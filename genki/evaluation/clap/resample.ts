import { InvalidInput } from '../../errors.ts';

/** Zero crossings of the sinc on either side, in samples of the slower rate. */
const CROSSINGS = 28;
/** Of the stop band, dB below the pass band; what is said of the filter leaves 2 dB to spare. */
const ATTENUATION = 62;
/** Kaiser's β for it. */
const BETA = 0.1102 * (ATTENUATION - 8.7);
/** Of the slower rate's Nyquist frequency: half of the transition band below it, so that the stop band begins with it. */
const CUTOFF = 1 - (ATTENUATION - 7.95) / (2.285 * 2 * CROSSINGS * Math.PI) / 2;
/** A filter of 8 MB; rates that people use need 1/50 of it. */
const MAX_COEFFICIENTS = 2 ** 20;

/**
 * A sound at another rate, by a windowed sinc (Kaiser 1974; polyphase, Crochiere and Rabiner 1983, ch. 4). What lies above
 * the slower rate's Nyquist frequency, images and aliases alike, comes out below −60 dB; what lies below 0.86 of it (13.7 kHz
 * of a sound at 32 kHz; CLAP's filter bank ends at 14) keeps its level to 0.01 dB. No delay; beyond its ends the sound is silent.
 *
 * @param samples mono
 * @param from rate of `samples`, a whole number of Hz
 * @param to rate wanted, a whole number of Hz
 * @returns ⌈length · to / from⌉ samples, sample m at the time m / to; `samples` itself where the rates are equal
 * @throws {InvalidInput} for rates that are no whole numbers above 0, or whose ratio needs more than 2²⁰ coefficients
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  for (const rate of [from, to]) if (!Number.isSafeInteger(rate) || rate < 1) throw new InvalidInput(`Expected a sample rate of whole Hz above 0, got ${rate}`);
  if (from === to) return samples;
  const divisor = greatestCommonDivisor(from, to);
  const [up, down] = [to / divisor, from / divisor];
  const half = 2 * Math.ceil((CROSSINGS / 2) * Math.max(1, down / up)); // taps on either side, in samples of `from`
  if (up * 2 * half > MAX_COEFFICIENTS) throw new InvalidInput(`Expected sample rates in a simpler ratio, got ${from} to ${to} Hz: ${down} to ${up}`);
  const filters = polyphase(up, half, Math.min(1, up / down));

  const padded = new Float64Array(samples.length + 2 * half); // silence on either side
  padded.set(samples, half);
  const out = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let m = 0; m < out.length; m++) {
    const phase = (m * down) % up;
    out[m] = dot(padded, (m * down - phase) / up + 1, filters[phase]!);
  }
  return out;
}

/**
 * By phase p, the filter for a sample p / up after one of the input: shape [up][2 · half], tap i for the input sample
 * i + 1 − half from there. Each sums up to 1, so that a constant stays one.
 */
function polyphase(up: number, half: number, narrowing: number): Float64Array[] {
  const width = CROSSINGS / narrowing;
  const bandwidth = CUTOFF * narrowing;
  return Array.from({ length: up }, (_, phase) => {
    const taps = Float64Array.from({ length: 2 * half }, (_, i) => {
      const t = phase / up + half - 1 - i;
      return sinc(bandwidth * t) * kaiser(t / width);
    });
    const sum = taps.reduce((total, tap) => total + tap, 0);
    return taps.map((tap) => tap / sum);
  });
}

/** Of `taps`, a multiple of four; in four sums at once, since in one each addition would wait for the last. */
function dot(x: Float64Array, begin: number, taps: Float64Array): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0, at = begin; i < taps.length; i += 4, at += 4) {
    a += x[at]! * taps[i]!;
    b += x[at + 1]! * taps[i + 1]!;
    c += x[at + 2]! * taps[i + 2]!;
    d += x[at + 3]! * taps[i + 3]!;
  }
  return a + b + (c + d);
}

const sinc = (t: number): number => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t));
const kaiser = (t: number): number => (Math.abs(t) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - t * t)) / bessel(BETA));

/** I₀, the modified Bessel function of order 0, by its series: 30 terms are exact to float64 up to x = 10. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; k <= 30; k++) sum += term *= (x / 2 / k) ** 2;
  return sum;
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
