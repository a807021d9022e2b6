import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { diversities, diversitiesAt, gaussiansOf } from '../../../genki/evaluation/diversity.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { column, randomRows, type Rows, scaled } from './embeddings.ts';

const anchors = { floor: 10, ceiling: 30 };
/** Of one variance: the distance is that of the means, squared. */
const around = (mean: number): Rows => column(mean - 1, mean + 1);
const everyone = (heard: readonly Rows[]): number[] => [...heard.keys()];

describe('diversities', () => {
  it('is the mean distance to the others, between the anchors', () => {
    // (0 − 2)² = 4, (0 − 6)² = 36, (2 − 6)² = 16
    const found = diversities({ heard: [around(0), around(2), around(6)], accepted: [0, 1, 2], anchors });
    expect(found).toEqual([
      { distance: expect.closeTo(20, 12), anchored: expect.closeTo(0.5, 12) },
      { distance: expect.closeTo(10, 12), anchored: expect.closeTo(0, 12) },
      { distance: expect.closeTo(26, 12), anchored: expect.closeTo(0.8, 12) },
    ]);
  });

  it('leaves out each itself, and a copy at distance 0 counts', () => {
    const found = diversities({ heard: [around(0), around(0), around(6)], accepted: [0, 1, 2], anchors });
    expect(found.map(({ distance }) => distance)).toEqual([18, 18, 36].map((distance) => expect.closeTo(distance, 9)));
  });

  it('takes the distances that are there already', () => {
    const distances = [[0, 4, 6], [4, 0, 5], [6, 5, 0]];
    expect(diversitiesAt(distances, { accepted: [2, 0, 1], anchors: { floor: 4, ceiling: 6 } })).toEqual([
      { distance: 5, anchored: 0.5 }, { distance: 4.5, anchored: 0.25 }, { distance: 5.5, anchored: 0.75 },
    ]);
  });

  it('moves nobody for junk that is not accepted, which is measured for the record', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = new Random(`junk ${seed}`);
      const honest = Array.from({ length: 2 + random.int(3) }, (_, i) => randomRows(`${seed}/${i}`, { n: 5, d: 3, mean: i }));
      const junk = scaled(randomRows(`${seed}/junk`, { n: 5, d: 3 }), 1000);
      const accepted = everyone(honest);
      const found = diversities({ heard: [...honest, junk], accepted, anchors });
      expect(found.slice(0, -1)).toEqual(diversities({ heard: honest, accepted, anchors }));
      expect(found.at(-1)!.distance).toBeGreaterThan(1e5);
      expect(found.at(-1)!.anchored).toBe(1);
    }
  });

  it.each([
    ['one miner', [around(0)], [0]],
    ['one accepted of two', [around(0), around(5)], [0]],
  ])('has no company for %s, and nothing is like it', (_, heard, accepted) => {
    expect(diversities({ heard, accepted, anchors })[0]).toEqual({ distance: null, anchored: 1 });
  });

  it('measures one that is not accepted against the single one that is', () => {
    expect(diversities({ heard: [around(0), around(5)], accepted: [0], anchors })[1]).toEqual({ distance: expect.closeTo(25, 12), anchored: expect.closeTo(0.75, 12) });
  });

  it.each([
    ['nobody', [], []],
    ['nobody accepted', [around(0), around(9)], [{ distance: null, anchored: 1 }, { distance: null, anchored: 1 }]],
  ])('is defined for %s', (_, heard, expected) => {
    expect(diversities({ heard, accepted: [], anchors })).toEqual(expected);
  });

  it('gives two miners the same, and all 0 where all play the same', () => {
    const [first, second] = diversities({ heard: [around(0), column(3, 9)], accepted: [0, 1], anchors });
    expect(first).toEqual(second);
    const same = [around(4), around(4), around(4)];
    for (const { distance, anchored } of diversities({ heard: same, accepted: everyone(same), anchors })) expect([distance, anchored]).toEqual([expect.closeTo(0, 12), 0]);
  });

  it.each<[string, Rows[], string]>([
    ['windows', [around(0), column(1, 2, 3)], 'Expected 2 windows of miner 1, as of miner 0, got 3'],
    ['dimensions', [around(0), randomRows('wide', { n: 2, d: 3 })], 'Expected 1 dimensions of miner 1, as of miner 0, got 3'],
    ['numbers', [around(0), around(NaN)], 'Expected numbers within ±1e+150 in miner 1, got NaN in row 0, column 0'],
    ['windows at all', [[], []], 'Expected at least 2 rows of miner 0, got 0'],
  ])('names the miner that lacks %s', (_, heard, message) => {
    expect(() => diversities({ heard, accepted: [0], anchors })).toThrow(new InvalidInput(message));
    expect(() => gaussiansOf(heard)).toThrow(message);
  });

  it.each([[-1, 3], [3, 3], [4, 3], [NaN, 3], [0, NaN], [0, Infinity]])('refuses a floor of %d under a ceiling of %d', (floor, ceiling) => {
    const message = `Expected anchors with 0 <= floor < ceiling, got floor ${floor} and ceiling ${ceiling}`;
    expect(() => diversities({ heard: [], accepted: [], anchors: { floor, ceiling } })).toThrow(new InvalidInput(message));
  });

  it.each([[[2], 'Expected accepted miners of 0 to 1, got 2'], [[-1], 'Expected accepted miners of 0 to 1, got -1'], [[1, 1], 'Expected each accepted miner once, got 1, 1']])('refuses to accept %j of two', (accepted, message) => {
    expect(() => diversities({ heard: [around(0), around(1)], accepted, anchors })).toThrow(new RangeError(message));
  });
});
