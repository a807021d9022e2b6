import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { auditPositions, sliceIndices, sliceSize } from '../../../../genki/federation/compression/slice.ts';
import { hashOf, layoutOfSizes } from './support/vectors.ts';

const seedOf = (n: number): string => n.toString(16).padStart(64, '0');
const blockHash = (n: number): string => `0x${seedOf(n)}`;

describe('the indices of a slice', () => {
  const layout = layoutOfSizes(1000, 250, 50);

  // test/goldens/make_compression_goldens.py
  it('are the published ones', () => {
    expect([...sliceIndices(layout, 100, hashOf('1'))]).toEqual([3, 196, 201, 367, 654, 822, 847, 903, 910, 939, 1003, 1205, 1266]);
    expect([...auditPositions(Float32Array.from({ length: 450 }, (_, i) => i), '2'.repeat(64), 8)]).toEqual([48, 53, 58, 127, 138, 217, 252, 411]);
  });

  it('are as many different ones of each tensor as the compression says, and one at least', () => {
    const large = layoutOfSizes(1, 99, 100, 101, 1999, 7);
    for (let n = 0; n < 200; n++) {
      const indices = sliceIndices(large, 100, blockHash(n));
      const counts = large.places.map(({ offset, size }) => indices.filter((index) => index >= offset && index < offset + size).length);
      expect(counts).toEqual([1, 1, 1, 1, 19, 1]);
      expect(indices).toHaveLength(sliceSize(large, 100));
      expect(new Set(indices).size).toBe(indices.length);
      expect([...indices]).toEqual([...indices].sort((a, b) => a - b));
    }
    expect([...sliceIndices(layoutOfSizes(5, 3), 1, hashOf('a'))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('fall on each value as often as on any other', () => {
    const counts = new Array<number>(40).fill(0);
    for (let n = 0; n < 4000; n++) for (const index of sliceIndices(layoutOfSizes(40), 10, blockHash(n))) counts[index]!++;
    // five standard deviations of a binomial of 4000 and 1/10
    for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(5 * Math.sqrt(360));
  });

  it('depend on every digit of the hash, not on how it is spelled', () => {
    const at = (hash: string): string => sliceIndices(layout, 10, hash).join();
    expect(new Set([hashOf('a'), `${hashOf('a').slice(0, -1)}b`, hashOf('b')].map(at)).size).toBe(3);
    expect(at(`0x${'AB'.repeat(32)}`)).toBe(at(`0x${'ab'.repeat(32)}`));
    for (const wrong of ['', '0x12', 'ab'.repeat(32), `${hashOf('1')}0`]) expect(() => at(wrong)).toThrow(InvalidInput);
  });

  it('are audited without repeats, all of them where there are few', () => {
    expect([...auditPositions(new Float32Array(3), seedOf(1), 64)]).toEqual([0, 1, 2]);
    expect(new Set(auditPositions(new Float32Array(10_000), seedOf(1), 64)).size).toBe(64);
    for (const wrong of ['', hashOf('1'), 'AB'.repeat(32)]) expect(() => auditPositions(new Float32Array(3), wrong, 64)).toThrow(InvalidInput);
  });

  it.each([0.005, 0.02, 0.1])('let at most (1 − f)^n of the slices escape that are false in f = %d of their values, whoever knows the seed', (f) => {
    const [count, n, trials] = [2000, 64, 2000];
    // made up anew and anew, for one seed
    const madeUp = (trial: number): Float32Array => new Float32Array(count).fill(trial + 1, 0, f * count);
    const escaped = Array.from({ length: trials }, (_, i) => auditPositions(madeUp(i), seedOf(7), n)).filter((positions) => positions.every((position) => position >= f * count)).length;
    const bound = (1 - f) ** n;
    expect(escaped / trials).toBeLessThan(bound + 4 * Math.sqrt((bound * (1 - bound)) / trials));
    // n draws without repeats, exactly
    const exact = Array.from({ length: n }, (_, i) => (count - f * count - i) / (count - i)).reduce((p, q) => p * q, 1);
    expect(Math.abs(escaped / trials - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / trials));
  });
});
