import { describe, expect, it } from 'vitest';
import { foldWeightNorm } from '../../../../genki/music/encodec/weight-norm.ts';
import { Random } from '../../../../genki/protocol/random.ts';

describe('foldWeightNorm', () => {
  it('brings each row of 3, 4 and of 5, 12 to its gain', () => {
    expect([...foldWeightNorm(Float32Array.of(10, -26), Float32Array.of(3, 4, 5, 12))]).toEqual([6, 8, -10, -24]);
  });

  it('gives rows as long as their gains say, in the direction of v', () => {
    const random = new Random('weight norm');
    for (let trial = 0; trial < 1000; trial++) {
      const [rows, width] = [1 + random.int(6), 1 + random.int(40)];
      const g = Float32Array.from({ length: rows }, () => 0.1 + random.float());
      const v = Float32Array.from({ length: rows * width }, () => random.normal() * 10 ** (random.int(9) - 4));
      const w = foldWeightNorm(g, v);
      const off = Array.from(g, (gain, row) => {
        const [own, directions] = [w, v].map((values) => values.subarray(row * width, (row + 1) * width)) as [Float32Array, Float32Array];
        const turned = own.some((value, i) => Math.sign(value) !== Math.sign(directions[i]!));
        return turned ? Infinity : Math.abs(Math.hypot(...own) / gain - 1);
      });
      expect(Math.max(...off)).toBeLessThan(1e-6);
    }
  });
});
