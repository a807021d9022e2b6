import { describe, expect, it } from 'vitest';
import { compare, minerAt, textOf } from '../../../genki/evaluation/differences.ts';

const textsOf = (reported: unknown, computed: unknown, within?: number): string[] => compare(reported, computed, within === undefined ? {} : { within }).differences.map((one) => textOf(one, 'it is'));

describe('compare', () => {
  it('counts every leaf, and names those that differ', () => {
    const reported = { a: { b: 1, c: [1, 2] }, d: 'x' };
    expect(compare(reported, structuredClone(reported))).toEqual({ compared: 4, differences: [] });
    expect(textsOf(reported, { a: { b: 2, c: [1, 3] }, d: 'y' })).toEqual(['a.b is 1, it is 2', 'a.c[1] is 2, it is 3', 'd is "x", it is "y"']);
  });

  it('names a miner by its hotkey', () => {
    const hotkey = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
    expect(textsOf({ miners: [{ hotkey, gain: { mean: 1 } }] }, { miners: [{ hotkey, gain: { mean: 2 } }] })).toEqual(['miners[0] (5FHneW46…): gain.mean is 1, it is 2']);
    expect(minerAt(3, { hotkey })).toBe('miners[3] (5FHneW46…)');
  });

  it('takes doubles for the same or not, unless it is told how far they may be apart', () => {
    expect(textsOf(0.1 + 0.2, 0.3)).toHaveLength(1);
    expect(textsOf(-0, 0)).toEqual([]);
    expect(textsOf(1, 1.0001, 1.1e-4)).toEqual([]);
    expect(textsOf(1, 1.0002, 1.1e-4)).toHaveLength(1);
    expect(textsOf(NaN, NaN, 1)).toHaveLength(1);
    expect(textsOf('1', 1, 1)).toHaveLength(1);
  });

  it('says what is missing on either side', () => {
    expect(textsOf({ a: 1 }, { b: 2 })).toEqual(['a is 1, it is missing', 'b is missing, it is 2']);
    expect(textsOf([1], [1, 2])).toEqual(['[1] is missing, it is 2']);
    expect(textsOf({ a: null }, { a: { b: 1 } })).toEqual(['a is null, it is {"b":1}']);
    expect(textsOf({ a: [] }, { a: {} })).toHaveLength(1);
  });

  it('is short about what is long', () => expect(textsOf('x'.repeat(1000), 1)[0]!.length).toBeLessThan(200));
});
