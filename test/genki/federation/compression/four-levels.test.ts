import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { GROUP, toFourLevels } from '../../../../genki/federation/compression/four-levels.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { bitsOf, someUpdate } from './support/vectors.ts';

const squared = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the four levels of a top-k codec', () => {
  it('keeps the largest of each chunk, rounded to the means of the small and the large ones', () => {
    const update = new Float32Array(64);
    update.set([0.5, -1, 0.25], 0); // -> -1
    update.set([4, -2, 1], 16); // -> 4
    update.set([0, 0, -5], 33); // -> -5
    update.set([2, -2], 50); // -> the first of two equal ones
    const expected = new Float32Array(64);
    expected[1] = -1.5;
    expected[16] = 4.5;
    expected[35] = -4.5;
    expected[50] = 1.5;
    expect(toFourLevels(update, { chunk: 16, keep: 1 })).toEqual(expected);
  });

  it('keeps as many as it is to and leaves the rest alone, of a shorter last chunk too', () => {
    const random = new Random('kept');
    for (let round = 0; round < 100; round++) {
      const [chunk, keep, size] = [2 ** (4 + random.int(4)), 1 + random.int(20), 1 + random.int(700)];
      const update = someUpdate(size, `${round}`, round % 2 === 0 ? 0 : 0.9);
      const sent = toFourLevels(update, { chunk, keep });
      for (let from = 0; from < size; from += chunk) {
        const [before, after] = [[...update.subarray(from, from + chunk)], [...sent.subarray(from, from + chunk)]];
        const kept = before.filter((_, i) => after[i] !== 0).map(Math.abs).sort((a, b) => b - a);
        expect(kept).toEqual(before.filter((value) => value !== 0).map(Math.abs).sort((a, b) => b - a).slice(0, keep));
        expect(after.every((value, i) => value === 0 || Math.sign(value) === Math.sign(before[i]!))).toBe(true);
        expect(after.some((value) => Object.is(value, -0))).toBe(false);
      }
    }
  });

  it('has the two magnitudes with the least squared error, of every way to part the values', () => {
    for (let round = 0; round < 50; round++) {
      const update = someUpdate(12, `levels ${round}`);
      const sent = toFourLevels(update, { chunk: 16, keep: 12 });
      const rising = [...update].map(Math.abs).sort((a, b) => a - b);
      const errorOf = (part: readonly number[]): number => squared(part.map((value) => value - mean(part)));
      const least = Math.min(...rising.map((_, split) => (split === 0 ? errorOf(rising) : errorOf(rising.slice(0, split)) + errorOf(rising.slice(split)))));
      expect(squared([...update].map((value, i) => value - sent[i]!))).toBeCloseTo(least, 6);
      expect(new Set([...sent].map(Math.abs)).size).toBe(2);
    }
  });

  it('has magnitudes of its own in each group, so that a loud tensor does not drown another', () => {
    const update = new Float32Array(2 * GROUP);
    update[0] = 1000;
    update[GROUP - 1] = 2000;
    update[GROUP] = -0.001;
    update[2 * GROUP - 1] = 0.002;
    expect(bitsOf(toFourLevels(update, { chunk: 64, keep: 1 })).equals(bitsOf(update))).toBe(true);
  });

  it('leaves an update of zeros, and takes one of one value', () => {
    expect(toFourLevels(new Float32Array(100), { chunk: 16, keep: 4 })).toEqual(new Float32Array(100));
    expect(toFourLevels(Float32Array.of(-1e-45), { chunk: 64, keep: 1 })).toEqual(Float32Array.of(-1e-45));
    expect(toFourLevels(Float32Array.of(3.4e38, 3.4e38), { chunk: 64, keep: 2 })).toEqual(Float32Array.of(3.4e38, 3.4e38));
  });

  it.each([NaN, Infinity, -Infinity])('refuses %d', (unfit) => {
    for (const keep of [1, 3]) expect(() => toFourLevels(Float32Array.of(1, unfit, 2), { chunk: 16, keep })).toThrow(InvalidInput);
  });
});
