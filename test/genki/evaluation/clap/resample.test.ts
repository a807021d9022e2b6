import { describe, expect, it } from 'vitest';
import { resample } from '../../../../genki/evaluation/clap/resample.ts';
import { InvalidInput } from '../../../../genki/errors.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const RATES: readonly [number, number][] = [[32_000, 48_000], [44_100, 48_000], [48_000, 32_000], [48_000, 44_100], [96_000, 48_000], [22_050, 48_000], [8000, 48_000]];
const sine = (hz: number, rate: number, length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate + 0.3));
/** Of the samples that no end is near. */
const inner = (samples: Float32Array): Float32Array => samples.subarray(Math.floor(samples.length / 4), Math.floor((3 * samples.length) / 4));
const dB = (samples: Float32Array): number => 10 * Math.log10((2 * samples.reduce((sum, x) => sum + x * x, 0)) / samples.length);

describe.each(RATES)('from %i to %i Hz', (from, to) => {
  const nyquist = Math.min(from, to) / 2;
  const length = 2048;

  it('a sound stays where it is in time and as loud, to 0.86 of the slower Nyquist frequency', () => {
    for (const part of [0.001, 0.1, 0.37, 0.5, 0.7, 0.8, 0.86]) {
      const heard = resample(sine(part * nyquist, from, length), from, to);
      const expected = sine(part * nyquist, to, heard.length);
      const off = inner(heard).map((x, i) => x - inner(expected)[i]!);
      expect(dB(off), `error of ${part} of Nyquist`).toBeLessThan(-55);
      expect(Math.abs(dB(inner(heard)) - dB(inner(expected)))).toBeLessThan(0.01);
    }
  });

  it('nothing comes out that was not there: below -60 dB', () => {
    for (let part = 0.05; part < 1; part += 0.0931) {
      const hz = part * nyquist;
      const heard = inner(resample(sine(hz, from, length), from, to));
      expect(dB(withoutTone(heard, hz, to)), `image of ${hz} Hz`).toBeLessThan(-60);
    }
    for (let part = 1.001; part * nyquist < from / 2; part += 0.061) {
      expect(dB(inner(resample(sine(part * nyquist, from, length), from, to))), `alias of ${part} of Nyquist`).toBeLessThan(-60);
    }
  });

  it('has ⌈length · to / from⌉ samples, and a constant stays one', () => {
    for (const n of [1, 2, 3, 160, 161, 999]) expect(resample(new Float32Array(n), from, to).length).toBe(Math.ceil((n * to) / from));
    for (const x of inner(resample(new Float32Array(length).fill(0.5), from, to))) expect(x).toBeCloseTo(0.5, 6);
  });
});

/** What is left of some samples without the tone of a frequency, by least squares. */
function withoutTone(samples: Float32Array, hz: number, rate: number): Float32Array {
  const [cos, sin] = [Math.cos, Math.sin].map((wave) => Float64Array.from(samples, (_, i) => wave((2 * Math.PI * hz * i) / rate))) as [Float64Array, Float64Array];
  const dot = (a: ArrayLike<number>, b: Float64Array): number => b.reduce((sum, x, i) => sum + x * a[i]!, 0);
  const [cc, cs, ss, xc, xs] = [dot(cos, cos), dot(cos, sin), dot(sin, sin), dot(samples, cos), dot(samples, sin)];
  const [a, b] = [(xc * ss - xs * cs) / (cc * ss - cs * cs), (xs * cc - xc * cs) / (cc * ss - cs * cs)];
  return samples.map((x, i) => x - a * cos[i]! - b * sin[i]!);
}

describe('resample', () => {
  it('gives the same samples at the same rate', () => {
    const samples = sine(440, 48_000, 100);
    expect(resample(samples, 48_000, 48_000)).toBe(samples);
  });

  it('is linear and does not move in time: a delayed sound comes out delayed', () => {
    const random = new Random('resample');
    const [x, y] = [0, 1].map(() => Float32Array.from({ length: 400 }, () => random.float() - 0.5)) as [Float32Array, Float32Array];
    const both = resample(x.map((a, i) => 2 * a - y[i]!), 32_000, 48_000);
    const [X, Y] = [resample(x, 32_000, 48_000), resample(y, 32_000, 48_000)];
    both.forEach((z, m) => expect(z).toBeCloseTo(2 * X[m]! - Y[m]!, 5));
    const delayed = resample(new Float32Array([...new Float32Array(20), ...x]), 32_000, 48_000);
    expect(delayed.subarray(30)).toEqual(X);
  });

  it('keeps the energy of music that fills the band but for what lies above 0.86 of it', () => {
    const random = new Random('noise');
    const noise = Float32Array.from({ length: 20_000 }, () => random.normal());
    const lost = dB(resample(noise, 32_000, 48_000)) - dB(noise);
    expect(lost).toBeLessThan(10 * Math.log10(1));
    expect(lost).toBeGreaterThan(10 * Math.log10(0.88));
  });

  it('takes nothing but whole rates, and none whose filter would be huge', () => {
    for (const [from, to] of [[0, 48_000], [48_000, -1], [44_100.5, 48_000], [NaN, 48_000], [48_000, Infinity]] as const) {
      expect(() => resample(new Float32Array(4), from, to)).toThrow(InvalidInput);
    }
    expect(() => resample(new Float32Array(4), 4_294_967_291, 48_000)).toThrow('Expected sample rates in a simpler ratio, got 4294967291 to 48000 Hz');
    expect(() => resample(new Float32Array(4), 1, 48_000)).toThrow(InvalidInput);
  });

  it('takes a sound of no length', () => {
    expect(resample(new Float32Array(0), 32_000, 48_000)).toEqual(new Float32Array(0));
  });
});
