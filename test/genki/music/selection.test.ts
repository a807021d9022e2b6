import { describe, expect, it } from 'vitest';
import { kthLargest, largest } from '../../../genki/music/selection.ts';
import { Random } from '../../../genki/protocol/random.ts';

describe('kthLargest', () => {
  it('is where sorting would put it, with equal values, infinities and any order', () => {
    const random = new Random('selection');
    for (let i = 0; i < 1000; i++) {
      const spread = 1 + random.int(20);
      const values = Float64Array.from({ length: 1 + random.int(60) }, () => (random.chance(0.05) ? -Infinity : random.int(spread)));
      if (random.chance(0.2)) values.sort();
      const before = values.slice();
      const k = 1 + random.int(values.length);
      expect(kthLargest(values, k)).toBe(values.toSorted()[values.length - k]);
      expect(values).toEqual(before);
    }
  });
});

describe('largest', () => {
  it('is the first of equal ones', () => {
    expect([largest([3]), largest([1, 5, 5, 2]), largest([-Infinity, -Infinity, -1])]).toEqual([0, 1, 2]);
  });
});
