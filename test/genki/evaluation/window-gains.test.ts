import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { type ClipLosses, LOST, meanGain, ownPagesGap } from '../../../genki/evaluation/window-gains.ts';
import { Random } from '../../../genki/protocol/random.ts';

/** Clips of loss 10 on which the update gains y, and the reference x. */
const clips = (y: readonly number[], x: readonly number[] | null = null): ClipLosses => ({ before: y.map(() => 10), after: y.map((gain) => 10 - gain), reference: x && x.map((gain) => 10 - gain) });

describe('what an update gains', () => {
  it('is the mean of the paired differences, with its standard error', () => {
    // 1, 2, 3: variance 1, over three clips
    expect(meanGain({ before: [5, 3, 4], after: [4, 1, 1], reference: null })).toEqual({ gain: 2, standardError: Math.sqrt(1 / 3) });
  });

  it('is lost with a loss that is not finite, whatever became of it in JSON', () => {
    for (const bad of [NaN, Infinity, null as unknown as number]) {
      expect(meanGain({ before: [1, 1], after: [1, bad], reference: null })).toEqual({ gain: LOST, standardError: 0 });
      expect(ownPagesGap(clips([1, 1]), { before: [1, 1], after: [1, bad], reference: null })).toEqual({ gain: LOST, standardError: 0 });
    }
  });

  it('cannot be told of no clip, of one, or of another number of losses', () => {
    expect(() => meanGain(clips([]))).toThrow('Expected at least 2 clips to tell a gain and its error of, got 0');
    expect(() => ownPagesGap(clips([1]), clips([1, 2]))).toThrow('got 1');
    expect(() => meanGain({ before: [1, 2, 3], after: [1, 2], reference: null })).toThrow('Expected 3 losses, one a clip, got 2');
    expect(() => ownPagesGap(clips([1, 2], [1, 2]), clips([1, 2]))).toThrow(InvalidInput);
  });
});

describe('what it gains more on its own pages', () => {
  it('is what the reference does not lead to expect: 4.9 ± .998 in a case worked by hand', () => {
    // own: x̄ 1, ȳ 6, Sxx 2, Sxy 3, Syy 6; holdout: x̄ 2, ȳ 2, Sxx 8, Sxy 6, Syy 6
    // b = 9/10, gap = 4 + .9, residual (12 − 8.1) / 3, error² = 1.3 (1/3 + 1/3 + 1/10)
    const { gain, standardError } = ownPagesGap(clips([5, 5, 8], [0, 1, 2]), clips([1, 1, 4], [0, 2, 4]));
    expect(gain).toBeCloseTo(4.9, 12);
    expect(standardError).toBeCloseTo(Math.sqrt(1.3 * (2 / 3 + 0.1)), 12);
  });

  it('is the difference of the means without a reference', () => {
    const { gain, standardError } = ownPagesGap(clips([1, 3]), clips([0, 2]));
    expect(gain).toBe(1);
    // residual 4 / 1, over two and two clips
    expect(standardError).toBeCloseTo(2, 12);
  });

  it('does not see what the reference gains too, nor what all clips gain', () => {
    const random = new Random('gap');
    const draw = (n: number): number[] => Array.from({ length: n }, () => random.normal());
    for (let i = 0; i < 500; i++) {
      const [x, y, u, v] = [draw(6), draw(6), draw(8), draw(8)];
      const [slope, offset] = [random.normal(), random.normal()];
      const moved = (gains: readonly number[], by: readonly number[]): number[] => gains.map((gain, at) => gain + slope * by[at]! + offset);
      const before = ownPagesGap(clips(y, x), clips(v, u));
      const after = ownPagesGap(clips(moved(y, x), x), clips(moved(v, u), u));
      expect(after.gain).toBeCloseTo(before.gain, 9);
      expect(after.standardError).toBeCloseTo(before.standardError, 9);
      const more = ownPagesGap(clips(y.map((gain) => gain + 0.5), x), clips(v, u));
      expect(more.gain).toBeCloseTo(before.gain + 0.5, 9);
    }
  });

  it('is within two standard errors of nothing in 95 of 100 cases of an update that learnt from other pages', () => {
    const random = new Random('no gap');
    let within = 0;
    const draws = 4000;
    const set = (n: number): ClipLosses => {
      const x = Array.from({ length: n }, () => random.normal());
      return clips(x.map((gain) => 0.7 * gain + 0.2 + 0.3 * random.normal()), x);
    };
    for (let i = 0; i < draws; i++) {
      const { gain, standardError } = ownPagesGap(set(16), set(40));
      if (Math.abs(gain) < 2 * standardError) within++;
    }
    // Student's t with 53 degrees of freedom: .9494, ± .0035 over so many draws
    expect(within / draws).toBeGreaterThan(0.94);
    expect(within / draws).toBeLessThan(0.96);
  });
});
