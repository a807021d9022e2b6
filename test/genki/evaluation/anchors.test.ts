import { describe, expect, it } from 'vitest';
import { anchored } from '../../../genki/evaluation/anchors.ts';
import { Random } from '../../../genki/protocol/random.ts';

describe('anchored', () => {
  it.each([[0.1, 0], [0.5, 1], [0.2, 0.25], [-3, 0], [7, 1], [NaN, 0], [Infinity, 0], [-Infinity, 0]])('puts %d between 0.1 and 0.5 at %d', (value, at) => {
    expect(anchored(value, { floor: 0.1, ceiling: 0.5 })).toBeCloseTo(at, 12);
  });

  it('lies in [0, 1] and never falls as the value rises, at any magnitude', () => {
    const random = new Random('anchors');
    for (let i = 0; i < 5000; i++) {
      const [floor, value, more, ceiling] = Array.from({ length: 4 }, () => random.normal() * 10 ** random.int(308)).toSorted((a, b) => a - b) as [number, number, number, number];
      const [low, high] = [anchored(value, { floor, ceiling }), anchored(more, { floor, ceiling })];
      expect(low >= 0 && low <= high && high <= 1, `${value} and ${more} between ${floor} and ${ceiling} at ${low} and ${high}`).toBe(true);
    }
  });

  it.each([[1, 1], [2, 1], [NaN, 1], [0, Infinity]])('refuses a floor of %d under a ceiling of %d', (floor, ceiling) => {
    expect(() => anchored(1, { floor, ceiling })).toThrow(new RangeError(`Expected a finite ceiling above a finite floor, got ${ceiling} above ${floor}`));
  });
});
