import { describe, expect, it } from 'vitest';
import { clipFactors, clipToMedian } from '../../../../genki/federation/aggregation/clip-to-median.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const bounds = { floor: 0.5, cap: 20 };
const ofNorm = (norm: number): Float32Array => Float32Array.of(0.6 * norm, -0.8 * norm);

describe('clipToMedian', () => {
  it('shortens the long ones to the median and leaves the short ones', () => {
    const factors = clipToMedian([1, 2, 4, 8, 40].map(ofNorm), bounds);
    expect(factors.map((factor) => Math.round(factor * 1e6) / 1e6)).toEqual([1, 1, 1, 0.5, 0.1]);
  });

  it('takes nothing of what is no number, and leaves what is nothing', () => {
    expect(clipToMedian([ofNorm(2), Float32Array.of(NaN, 1), Float32Array.of(Infinity, 0), new Float32Array(2), ofNorm(4)], bounds)).toEqual([1, 0, 0, 1, clipFactors([2, 0, 4], bounds)[2]]);
  });

  it('does not let many tiny ones shrink the others, nor many huge ones free each other', () => {
    expect(clipFactors([1e-9, 1e-9, 1e-9, 1], bounds)).toEqual([1, 1, 1, 0.5]);
    expect(clipFactors([1e6, 1e6, 2], bounds)).toEqual([2e-5, 2e-5, 1]);
  });

  it('lengthens nothing, and makes nothing longer than the median', () => {
    const random = new Random('clip');
    for (let i = 0; i < 1000; i++) {
      const norms = Array.from({ length: 1 + random.int(9) }, () => Math.exp(4 * random.normal()));
      const factors = clipFactors(norms, bounds);
      const longest = Math.max(...norms.map((norm, j) => norm * factors[j]!));
      expect(factors.every((factor) => factor > 0 && factor <= 1)).toBe(true);
      expect(longest).toBeLessThanOrEqual(bounds.cap * (1 + 1e-12));
      expect(norms.filter((norm, j) => norm * factors[j]! > Math.max(0.5, norms.toSorted((a, b) => a - b)[(norms.length - 1) >> 1]!) * (1 + 1e-12))).toEqual([]);
    }
  });

  it('of none is none', () => expect(clipToMedian([], bounds)).toEqual([]));
});
