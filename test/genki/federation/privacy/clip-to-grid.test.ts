import { describe, expect, it } from 'vitest';
import { clipToGrid } from '../../../../genki/federation/privacy/clip-to-grid.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const normOf = (values: ArrayLike<number>): number => Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

describe('clipToGrid', () => {
  it('cuts towards 0, after clipping', () => {
    expect(clipToGrid(Float32Array.of(0.99, -0.99, 2, -2.5), 100, 0.5)).toEqual(Float64Array.of(1, -1, 4, -5));
    expect(clipToGrid(Float32Array.of(3, 4), 2.5, 0.25)).toEqual(Float64Array.of(6, 8));
    expect(clipToGrid(new Float32Array(2), 1, 0.25)).toEqual(new Float64Array(2));
  });

  it('is never longer than the clip, on however coarse a grid', () => {
    const random = new Random('grid');
    for (let n = 0; n < 2000; n++) {
      const update = Float32Array.from({ length: 1 + random.int(30) }, () => random.normal());
      const [clip, step] = [0.1 + 5 * random.float(), 2 ** -random.int(12)];
      const steps = clipToGrid(update, clip, step);
      expect(normOf(steps) * step).toBeLessThanOrEqual(clip * (1 + 1e-15));
      const factor = Math.min(1, clip / normOf(update));
      steps.forEach((count, i) => expect(Math.abs(update[i]! * factor - count * step)).toBeLessThan(step * (1 + 1e-9)));
    }
  });
});
