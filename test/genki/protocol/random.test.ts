import { describe, expect, it } from 'vitest';
import { Random } from '../../../genki/protocol/random.ts';

const take = (n: number, draw: () => number): number[] => Array.from({ length: n }, draw);

describe('Random', () => {
  // from an independent implementation in Python: hashlib.blake2b(seed, digest_size=32), xoshiro128** on plain integers
  it.each([
    ['genki', [916627916, 3337205141, 3436819559, 792478428, 3077675459, 198256859]],
    ['', [4154710309, 1212375949, 3254168887, 1077028336, 3246058052, 3240120069]],
    ['Dama 🎵', [1333459004, 993285335, 1316532766, 1975540290, 1395579469, 4085754533]],
  ])('draws the published numbers for the seed %j', (seed, vector) => {
    const random = new Random(seed);
    expect(take(6, () => random.next())).toEqual(vector);
  });

  it('makes floats of the upper 24 bits', () => {
    const random = new Random('genki');
    expect(take(3, () => random.float())).toEqual([916627916, 3337205141, 3436819559].map((word) => Math.floor(word / 256) / 2 ** 24));
  });

  it('draws integers evenly, also where 2^32 is no multiple of their number', () => {
    const random = new Random('integers');
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.int(7)]!++;
    // 4.5 standard deviations of a binomial of 70,000 and 1/7
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(4.5 * 93);
    expect(take(5, () => random.int(1))).toEqual([0, 0, 0, 0, 0]);
    for (const n of [3 * 2 ** 30, 2 ** 32]) for (const x of take(200, () => random.int(n))) expect(x < n && x >= 0).toBe(true);
  });

  it.each([0, -1, 1.5, NaN, 2 ** 32 + 1])('refuses to choose among %d', (n) => {
    expect(() => new Random('genki').int(n)).toThrow(`got ${n}`);
  });

  it('draws standard normals', () => {
    const random = new Random('normals');
    const values = take(20_000, () => random.normal());
    const moment = (p: number): number => values.reduce((sum, x) => sum + x ** p, 0) / values.length;
    // four standard errors each
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(20_000));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / 20_000));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / 20_000));
  });

  it('shuffles without losing or repeating anything, and leaves its argument alone', () => {
    const items = take(50, ((i) => () => i++)(0));
    const shuffled = new Random('cards').shuffle(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
    expect(new Random('cards').shuffle(items)).toEqual(shuffled);
  });
});
