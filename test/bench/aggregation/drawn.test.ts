import { describe, expect, it } from 'vitest';
import { drawn } from '../../../bench/aggregation/drawn.ts';

describe('drawn', () => {
  it('is uniform in [−1, 1), and longer from peer to peer', () => {
    const [first, last] = [0, 32].map((peer) => drawn({ peers: 33, values: 10_000, seed: 1 })[peer]!);
    for (const [update, scale] of [[first, 1], [last, 1.5]] as const) {
      const mean = update!.reduce((sum, value) => sum + value, 0) / 10_000;
      const square = update!.reduce((sum, value) => sum + value * value, 0) / 10_000;
      expect(Math.abs(mean)).toBeLessThan(0.03 * scale);
      expect(square / scale ** 2).toBeCloseTo(1 / 3, 1);
      expect(update!.every((value) => value >= -scale && value < scale)).toBe(true);
    }
  });
});
