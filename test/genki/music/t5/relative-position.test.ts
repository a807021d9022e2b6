import { describe, expect, it } from 'vitest';
import type { T5Config } from '../../../../genki/music/t5/config.ts';
import { relativeBuckets } from '../../../../genki/music/t5/relative-position.ts';
import { goldenJson } from '../support/goldens.ts';

type Runs = readonly (readonly [bucket: number, distances: number])[];
const { limit, rows } = goldenJson('t5/buckets.json') as { limit: number; rows: readonly (readonly [number, number, Runs])[] };

const T5: T5Config = { vocabSize: 1, hiddenSize: 1, headSize: 1, ffnDim: 1, numLayers: 1, numHeads: 1, relativeBuckets: 32, relativeMaxDistance: 128, epsilon: 1e-6, activation: 'relu', isGated: false };

describe('relativeBuckets', () => {
  it('counts distances, backwards from 0 and forwards from half of the buckets', () => {
    const config = { ...T5, relativeBuckets: 8, relativeMaxDistance: 16 };
    // of 4 buckets a direction 0 and 1 stand for themselves; 2 is the third, and the fourth begins at √(2 · 16)
    expect([...relativeBuckets(config, 7)].slice(0, 7)).toEqual([0, 5, 6, 6, 6, 6, 7]);
    expect([...relativeBuckets(config, 7)].slice(-7)).toEqual([3, 2, 2, 2, 2, 1, 0]);
  });

  it.each(rows)("gives Hugging Face's: %i buckets up to distance %i", (count, farthest, runs) => {
    const expected = runs.flatMap(([bucket, distances]) => Array.from({ length: distances }, () => bucket));
    const length = limit + 1;
    const buckets = relativeBuckets({ ...T5, relativeBuckets: count, relativeMaxDistance: farthest }, length);
    expect([...buckets.subarray(limit * length), ...buckets.subarray(1, length)]).toEqual(expected);
  });

  it('depends on the distance alone', () => {
    const buckets = relativeBuckets(T5, 50);
    for (let query = 1; query < 50; query++) {
      for (let key = 1; key < 50; key++) expect(buckets[query * 50 + key]).toBe(buckets[(query - 1) * 50 + key - 1]);
    }
  });
});
