import { describe, expect, it } from 'vitest';
import { countOf, missedOf, spanText } from '../../../genki/protocol/clock.ts';
import { Random } from '../../../genki/protocol/random.ts';

describe('what was missed', () => {
  it('is the gaps between what was begun, and before now', () => {
    expect(missedOf([3, 4, 7], 10)).toEqual([{ from: 5, to: 6 }, { from: 8, to: 9 }]);
    expect(missedOf([3, 4, 7], 8)).toEqual([{ from: 5, to: 6 }]);
    expect(missedOf([3, 4, 7], 7)).toEqual([{ from: 5, to: 6 }]);
    expect(missedOf([0], 1)).toEqual([]);
  });

  it('is nothing before the first', () => {
    expect(missedOf([], 4711)).toEqual([]);
    expect(missedOf([4711], 4711)).toEqual([]);
  });

  it('and what was begun make up all that passed since the first, each once', () => {
    const random = new Random('missed');
    for (let draw = 0; draw < 200; draw++) {
      const begun = Array.from({ length: 40 }, (_, number) => number).filter(() => random.float() < 0.3);
      const now = 40 + random.int(10);
      const missed = missedOf(begun, now).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
      const first = begun[0] ?? now;
      expect([...begun, ...missed].sort((a, b) => a - b)).toEqual(Array.from({ length: now - first }, (_, i) => first + i));
      expect(countOf(missedOf(begun, now))).toBe(missed.length);
    }
  });

  it('is told as a number or as both ends', () => {
    expect([{ from: 4, to: 4 }, { from: 4, to: 7 }].map(spanText)).toEqual(['4', '4–7']);
  });
});
