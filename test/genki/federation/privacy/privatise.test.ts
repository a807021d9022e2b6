import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { normOf } from '../../../../genki/federation/layout.ts';
import { normalStream } from '../../../../genki/federation/privacy/normal-stream.ts';
import { privatise } from '../../../../genki/federation/privacy/privatise.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const secret = new Uint8Array(32).fill(7);
const zeros = (n: number): Float32Array => new Float32Array(n);

function updateOf(seed: string, n: number, norm: number): Float32Array {
  const random = new Random(seed);
  const draws = Float32Array.from({ length: n }, () => random.normal());
  const factor = norm / normOf(draws);
  return draws.map((value) => value * factor);
}

/** Noise too small to see beside the update, on a grid a million times finer still. */
const NEXT_TO_NONE = 1e-9;

/** Share of a normal distribution below x (Abramowitz and Stegun 1964, 7.1.26), to 1.5e-7. */
function normalShare(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.SQRT2);
  const tail = (t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp((-x * x) / 2)) / 2;
  return x < 0 ? tail : 1 - tail;
}

/** Kolmogorov and Smirnov's distance to the standard normal distribution, times √n: above 1.95 once in a thousand. */
function normalDistance(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  let most = 0;
  sorted.forEach((x, i) => (most = Math.max(most, Math.abs(normalShare(x) - i / sorted.length), Math.abs(normalShare(x) - (i + 1) / sorted.length))));
  return most * Math.sqrt(sorted.length);
}

describe('normalStream', () => {
  const first = (key: Uint8Array, n: number): Float64Array => {
    const stream = normalStream(key);
    return Float64Array.from({ length: n }, () => stream.next().value);
  };

  it('is what openssl and Python make of the key', () => {
    const { normals } = JSON.parse(readFileSync('test/goldens/privacy.json', 'utf8')) as { normals: number[] };
    first(Uint8Array.from({ length: 32 }, (_, i) => i), 16).forEach((draw, i) => expect(Math.abs(draw - normals[i]!)).toBeLessThan(1e-14));
  });

  it('is normally distributed, with its even and its odd numbers unrelated', () => {
    const draws = first(secret, 50_000);
    expect(normalDistance(draws)).toBeLessThan(1.95);
    const related = draws.reduce((sum, x, i) => sum + (i % 2 ? x * draws[i - 1]! : 0), 0) / 25_000;
    expect(Math.abs(related)).toBeLessThan(4 / Math.sqrt(25_000));
    expect(draws.reduce((sum, x) => sum + x ** 4, 0) / 50_000).toBeCloseTo(3, 0);
  });

  it('does not come round when the cipher starts a new buffer', () => {
    const draws = first(secret, 3 * 8192);
    expect(new Set(draws).size).toBe(draws.length);
  });

  it('goes by its key', () => {
    expect(first(secret, 4)).toEqual(first(secret, 4));
    expect(first(new Uint8Array(32).fill(8), 1)[0]).not.toBe(first(secret, 1)[0]);
  });
});

describe('privatise', () => {
  it('clips the update as a whole, and leaves one that is short alone', () => {
    for (const norm of [0.5, 2, 2.5, 1000]) {
      const update = updateOf('clip', 1000, norm);
      const clipped = privatise(update, { clip: 2, noise: NEXT_TO_NONE }, secret);
      const factor = Math.min(1, 2 / norm);
      expect(Math.max(...clipped.map((value, i) => Math.abs(value - update[i]! * factor)))).toBeLessThan(1e-6);
      expect(normOf(clipped)).toBeCloseTo(Math.min(norm, 2), 5);
    }
  });

  it('adds noise of the deviation noise · clip to every value', () => {
    const n = 50_000;
    for (const [clip, noise] of [[1, 1], [0.3, 4], [20, 0.05]] as const) {
      const update = updateOf('noise', n, clip / 2);
      const noisy = privatise(update, { clip, noise }, secret);
      expect(normalDistance(noisy.map((value, i) => (value - update[i]!) / (noise * clip)))).toBeLessThan(1.95);
    }
  });

  it('adds the noise after clipping, not before', () => {
    const noisy = privatise(zeros(10_000), { clip: 0.1, noise: 10 }, secret);
    expect(normOf(noisy)).toBeCloseTo(100, -1);
  });

  it('gives values of one grid, the same one for any update', () => {
    const step = 2 ** (Math.floor(Math.log2(0.75)) - 20);
    for (const seed of ['a', 'b', 'c']) {
      const noisy = privatise(updateOf(seed, 5000, 1), { clip: 1.5, noise: 0.5 }, secret);
      expect(noisy.every((value) => Number.isInteger(value / step))).toBe(true);
      expect(noisy.some((value) => Math.abs((value / step) % 2) === 1)).toBe(true);
    }
  });

  it('has no negative zero, which would tell the sign of a value that noise hides', () => {
    // a secret with which the noise on value 32 rounds to -0
    const found = new Uint8Array(32);
    new DataView(found.buffer).setUint32(0, 186_322, true);
    const noisy = privatise(zeros(64).fill(-1e-30), { clip: 1, noise: 1 }, found);
    expect(noisy[32]).toBe(0);
    expect(Object.is(noisy[32], -0)).toBe(false);
  });

  it('gives the same bytes again for the same secret, update and configuration, and others for any other', () => {
    const update = updateOf('again', 100, 1);
    const privacy = { clip: 1, noise: 1 };
    const again = privatise(update, privacy, secret);
    expect(privatise(Float32Array.from(update), privacy, Uint8Array.from(secret))).toEqual(again);
    const nudged = update.with(99, update[99]! + 2 ** -12);
    const others = [privatise(update, privacy, new Uint8Array(32).fill(8)), privatise(nudged, privacy, secret), privatise(update, { clip: 1, noise: 1.5 }, secret), privatise(update, { clip: 1.5, noise: 1 }, secret)];
    for (const other of others) expect(other.filter((value, i) => Math.abs(value - again[i]!) > 1e-3).length).toBeGreaterThan(95);
  });

  it('does not change the update, and reads only what is its own', () => {
    const whole = updateOf('view', 12, 1);
    const view = whole.subarray(4, 8);
    const before = Float32Array.from(whole);
    const noisy = privatise(view, { clip: 1, noise: 1 }, secret);
    expect(whole).toEqual(before);
    expect(noisy).toEqual(privatise(Float32Array.from(view), { clip: 1, noise: 1 }, secret));
  });

  it('refuses an update that is not finite, a short secret, and no noise', () => {
    expect(() => privatise(Float32Array.of(1, NaN), { clip: 1, noise: 1 }, secret)).toThrow('Expected an update of finite values, got one that is not');
    expect(() => privatise(zeros(2), { clip: 1, noise: 1 }, new Uint8Array(31))).toThrow('Expected a secret of at least 32 bytes, got 31');
    expect(() => privatise(zeros(2), { clip: 1, noise: 0 }, secret)).toThrow('Expected a positive clip and noise, got 1 and 0');
    expect(() => privatise(zeros(2), { clip: -1, noise: -1 }, secret)).toThrow('Expected a positive clip and noise, got -1 and -1');
  });
});
