import { describe, expect, it } from 'vitest';
import { lengthFactor, medianNorm } from '../../../genki/federation/norm-clip.ts';
import { Random } from '../../../genki/protocol/random.ts';

const bounds = { floor: 0.5, cap: 20 };

describe('medianNorm', () => {
  it('is the median, the lower middle of an even number, and the cap where there is none', () => {
    expect(medianNorm([12, 1, 8, 2, 4], bounds)).toBe(4);
    expect(medianNorm([2, 4], bounds)).toBe(2);
    expect(medianNorm([NaN, 3, Infinity], bounds)).toBe(3);
    expect(medianNorm([], bounds)).toBe(20);
  });

  it('does not let many tiny ones shrink the others, nor many huge ones free each other', () => {
    expect(medianNorm([1e-9, 1e-9, 1e-9, 2], bounds)).toBe(0.5);
    expect(medianNorm([1e6, 1e6, 1e6, 2], bounds)).toBe(20);
  });

  it('names bounds that are none', () => {
    expect(() => medianNorm([1], { floor: 2, cap: 1 })).toThrow('Expected 0 < floor <= cap, got 2 and 1');
  });
});

describe('lengthFactor', () => {
  it('brings short and long ones to one length, so that nobody gains by claiming to be longer', () => {
    const random = new Random('lengths');
    for (let i = 0; i < 1000; i++) {
      const [norm, claim] = [5 / 6 + random.float(), 1 + 9 * random.float()];
      expect(norm * lengthFactor(norm, 1)).toBeCloseTo(claim * norm * lengthFactor(claim * norm, 1), 12);
    }
  });

  it('makes nothing of nothing, and takes nothing of what is no number', () => {
    expect(lengthFactor(0.01, 1)).toBe(1.2);
    expect(lengthFactor(0, 1)).toBe(1.2);
    expect([NaN, Infinity].map((norm) => lengthFactor(norm, 1))).toEqual([0, 0]);
  });
});
