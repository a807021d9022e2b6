import { describe, expect, it } from 'vitest';
import { clipToMedianNorm } from '../../../genki/federation/norm-clip.ts';

const bounds = { floor: 0.5, cap: 20 };

describe('clipToMedianNorm', () => {
  it('shortens to the median and never lengthens', () => {
    expect(clipToMedianNorm([1, 2, 4, 8, 12], bounds)).toEqual([1, 1, 1, 0.5, 4 / 12]);
  });

  it('takes the lower middle of an even number', () => {
    expect(clipToMedianNorm([2, 4], bounds)).toEqual([1, 0.5]);
  });

  it('does not let many tiny updates shrink an honest one below the floor', () => {
    expect(clipToMedianNorm([1e-9, 1e-9, 1e-9, 2], bounds)[3]).toBe(0.25);
  });

  it('does not let many huge updates free each other above the cap', () => {
    expect(clipToMedianNorm([1e6, 1e6, 1e6, 2], bounds)).toEqual([2e-5, 2e-5, 2e-5, 1]);
  });

  it('takes nothing of a norm that is no number, and all of nothing', () => {
    expect(clipToMedianNorm([NaN, Infinity, 3, 0], bounds)).toEqual([0, 0, 1, 1].map((f, i) => (i === 2 ? 0.5 / 3 : f)));
    expect(clipToMedianNorm([], bounds)).toEqual([]);
  });

  it('names bounds that are none', () => {
    expect(() => clipToMedianNorm([1], { floor: 2, cap: 1 })).toThrow('Expected 0 < floor <= cap, got 2 and 1');
  });
});
