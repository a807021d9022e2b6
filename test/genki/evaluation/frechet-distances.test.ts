import { describe, expect, it } from 'vitest';
import { frechetDistance } from '../../../genki/evaluation/frechet-distance.ts';
import { frechetDistances, frechetDistancesBetweenBreaths, identicalOutputs } from '../../../genki/evaluation/frechet-distances.ts';
import { fitGaussian } from '../../../genki/evaluation/gaussian.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { column, randomRows, type Rows, turned } from './embeddings.ts';

const SETS = Array.from({ length: 5 }, (_, i) => randomRows(`set ${i}`, { n: 7, d: 4, mean: i }));
const fitted = (sets: readonly Rows[]) => sets.map((rows) => fitGaussian(rows));

describe('frechetDistances', () => {
  it('is each pair on its own, the same on both sides of a diagonal of 0', () => {
    const distances = frechetDistances(fitted(SETS));
    SETS.forEach((x, i) => SETS.forEach((y, j) => {
      expect(distances[i]![j]).toBe(distances[j]![i]);
      expect(distances[i]![j]).toBe(i === j ? 0 : frechetDistance(SETS[Math.min(i, j)]!, SETS[Math.max(i, j)]!));
    }));
  });

  it.each([[0, []], [1, [[0]]]])('of %i sets is %j', (n, expected) => {
    expect(frechetDistances(fitted(SETS.slice(0, n)))).toEqual(expected);
  });

  it('lets others go on after each pair and comes to the same', async () => {
    const breaths: number[] = [];
    const distances = await frechetDistancesBetweenBreaths(fitted(SETS), async (pairsDone) => void breaths.push(pairsDone));
    expect(distances).toEqual(frechetDistances(fitted(SETS)));
    expect(breaths).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('ends when a breath is refused', async () => {
    await expect(frechetDistancesBetweenBreaths(fitted(SETS), () => Promise.reject(new Error('cancelled')))).rejects.toThrow('cancelled');
  });

  it('refuses sets of several widths', () => {
    expect(() => frechetDistances(fitted([column(1, 2), randomRows('wide', { n: 2, d: 3 })]))).toThrow('Expected embeddings of 1 dimensions, got 3');
  });
});

describe('identicalOutputs', () => {
  const found = (sets: readonly Rows[]) => identicalOutputs(fitted(sets), frechetDistances(fitted(sets)));
  const random = new Random('copies');
  const [x, y] = [randomRows('x', { n: 100, d: 16 }), randomRows('y', { n: 100, d: 16 })] as [Rows, Rows];

  it('names copies by pairs, whatever the order of their clips', () => {
    expect(found([x, y, x, random.shuffle(x), y])).toEqual([[0, 2], [0, 3], [1, 4], [2, 3]]);
  });

  it('sees a copy through noise of a thousandth of the spread, and none where a set was turned or drawn anew', () => {
    const spread = Math.sqrt(fitGaussian(x).trace / 16);
    const noisy = x.map((row) => row.map((value) => value + 1e-3 * spread * random.normal()));
    expect(found([x, noisy])).toEqual([[0, 1]]);
    expect(found([x, turned(x, [0.1])])).toEqual([]);
    expect(found([x.slice(0, 50), x.slice(50)])).toEqual([]);
  });

  it('takes the same silence for the same, and two silences apart for two', () => {
    expect(found([column(1, 1), column(1, 1), column(2, 2)])).toEqual([[0, 1]]);
  });
});
