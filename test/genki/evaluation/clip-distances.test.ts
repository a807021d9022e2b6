import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { type ClipDistance, clipDistances, outliers } from '../../../genki/evaluation/clip-distances.ts';
import { frechetDistance } from '../../../genki/evaluation/frechet-distance.ts';
import { column, moved, randomRows } from './embeddings.ts';

describe('clipDistances', () => {
  it('is the Fréchet distance of several windows, and of one window that of the means alone', () => {
    // reference of mean 2 and variance 1
    expect(clipDistances([column(4, 7, 10), column(5)], column(1, 2, 3))).toEqual([
      { distance: expect.closeTo(25 + 4, 12), windows: 3 },
      { distance: 9, windows: 1 },
    ]);
  });

  it('is that of each clip on its own', () => {
    const reference = randomRows('reference', { n: 30, d: 6 });
    const clips = Array.from({ length: 20 }, (_, i) => randomRows(`clip ${i}`, { n: 2 + (i % 4), d: 6 }));
    clipDistances(clips, reference).forEach(({ distance }, i) => expect(distance).toBe(frechetDistance(clips[i]!, reference)));
  });

  it.each<[string, Float64Array[][], string]>([
    ['a clip without a window', [column(1), []], 'Expected a window of clip 1, got none'],
    ['a clip of another width', [column(1), [Float64Array.of(1, 2)]], 'Expected 1 dimensions of clip 1, as of the reference, got 2'],
    ['a single window that is no number', [column(NaN)], 'Expected numbers within ±1e+150 in clip 0, got NaN in row 0, column 0'],
    ['a second window that is no number', [column(1), column(1, Infinity)], 'Expected numbers within ±1e+150 in clip 1, got Infinity in row 1, column 0'],
  ])('refuses %s', (_, clips, message) => {
    expect(() => clipDistances(clips, column(1, 2, 3))).toThrow(new InvalidInput(message));
  });
});

describe('outliers', () => {
  const several = (...distances: readonly number[]): ClipDistance[] => distances.map((distance) => ({ distance, windows: 3 }));

  it('lie beyond the median and 3.5 · 1.4826 median deviations', () => {
    // median 4, deviations 3 2 1 0 1 2 3, their median 2: the limit is 14.38
    expect(outliers(several(1, 2, 3, 4, 5, 6, 7))).toEqual([]);
    expect(outliers(several(1, 2, 3, 4, 5, 6, 14.3))).toEqual([]);
    expect(outliers(several(1, 14.4, 3, 4, 5, 6, 2))).toEqual([1]);
  });

  it('are found among clips of which most are alike, but not for rounding', () => {
    expect(outliers(several(1, 1, 1, 1, 1, 9, 1))).toEqual([5]);
    expect(outliers(several(1, 1, 1, 1, 1, 1 + 1e-12, 1))).toEqual([]);
    expect(outliers(several(2, 2, 2))).toEqual([]);
  });

  it('are judged among clips with one window, and among those with several', () => {
    const one = [1, 2, 3, 4, 5].map((distance) => ({ distance, windows: 1 }));
    expect(outliers([...one, ...several(101, 102, 103, 104, 105), { distance: 50, windows: 1 }])).toEqual([10]);
  });

  it.each([[[]], [[5]], [[5, 500]]])('are none among %j: nothing says which one is odd', (distances) => {
    expect(outliers(several(...distances))).toEqual([]);
  });

  it('name the clip that is noise among music', () => {
    const reference = randomRows('reference', { n: 100, d: 4 });
    const clips = Array.from({ length: 20 }, (_, i) => Array.from({ length: 5 }, (__, k) => reference[5 * i + k]!));
    clips[7] = moved(clips[7]!, [9, 9, 9, 9]);
    expect(outliers(clipDistances(clips, reference))).toEqual([7]);
  });
});
