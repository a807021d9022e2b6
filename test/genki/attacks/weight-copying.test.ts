import { describe, expect, it } from 'vitest';
import { weightCopying } from '../../../genki/attacks/weight-copying.ts';

describe('a validator that copies weights', () => {
  it('earns as much for its stake as an honest one where weights are in the open', () => {
    const { stake, dividends } = weightCopying({ commitReveal: false, epochs: 10, seed: 'test' });
    expect(stake).toBeCloseTo(0.1, 12);
    expect(dividends).toBeCloseTo(stake, 3);
  });

  it('earns less where they are hidden until they are of the past', () => {
    for (const seed of ['1', '2', '3']) {
      const { stake, dividends } = weightCopying({ commitReveal: true, epochs: 10, seed });
      expect(dividends).toBeGreaterThan(0);
      expect(dividends).toBeLessThan(0.95 * stake);
    }
  });
});
