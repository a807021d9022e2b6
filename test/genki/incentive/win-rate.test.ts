import { describe, expect, it } from 'vitest';
import type { Measurement } from '../../../genki/incentive/policy.ts';
import { winRate, winRates } from '../../../genki/incentive/win-rate.ts';
import { Random } from '../../../genki/protocol/random.ts';

const of = (losses: readonly number[] | undefined, rest: Partial<Measurement> = {}): Measurement => ({ accepted: true, losses, ...rest });
const rounded = (weights: readonly number[]): string[] => weights.map((weight) => weight.toFixed(6));
/** Who wins the one batch in which both have these losses, the first being the earlier commit. */
const wins = (a: Measurement, b: Measurement): boolean => winRates([a, b], 0.01)[0] === 1;

describe('win-rate', () => {
  it('gives the vector of the protocol', () => {
    // a is ahead of b ahead of c in three of five batches; b, a, c and a, c, b in the others
    const miners = [of([1, 1, 1, 2, 1]), of([2, 2, 2, 1, 3]), of([3, 3, 3, 3, 2])];
    expect(winRates(miners, 0.01)).toEqual([0.9, 0.5, 0.1]);
    expect(rounded(winRate(miners))).toEqual(['0.993262', '0.006693', '0.000045']);
  });

  it('protects only the leader of the epoch before, by 1 % of its loss', () => {
    expect(wins(of([1]), of([0.995]))).toBe(false);
    expect(wins(of([1], { leader: true }), of([0.995]))).toBe(true);
    expect(wins(of([1], { leader: true }), of([0.985]))).toBe(false);
    expect(winRates([of([1], { leader: true }), of([0.96])], 0.05)).toEqual([1, 0]);
  });

  it('gives equal losses to the earlier commit, of a protected one too', () => {
    expect(wins(of([1]), of([1]))).toBe(true);
    expect(wins(of([1], { leader: true }), of([0.99]))).toBe(true);
    expect(winRates([of([0.5]), of([1], { leader: true })], 0.5)).toEqual([1, 0]);
  });

  it('lets a loss that is missing or no number lose its match', () => {
    for (const loss of [NaN, Infinity, -Infinity]) {
      expect(winRates([of([loss, 1]), of([9, 2])], 0.01)).toEqual([0.5, 0.5]);
      expect(winRates([of([loss]), of([loss])], 0.01)).toEqual([0, 0]);
    }
    expect(winRates([of([1]), of([2, 9, 9])], 0.01)).toEqual([1 / 3, 2 / 3]);
    expect(winRates([of(undefined), of([9])], 0.01)).toEqual([0, 1]);
  });

  it('pays nothing for a submission that failed throughout', () => {
    expect(winRate([of([NaN, NaN]), of([9, 9]), of(undefined)])).toEqual([0, 1, 0]);
    expect(winRate([of([Infinity])])).toEqual([0]);
  });

  it('lets only those play who were accepted', () => {
    expect(winRates([of([1], { accepted: false }), of([2]), of([3])], 0.01)).toEqual([undefined, 1, 0]);
    expect(winRates([of([1], { accepted: false }), of([2])], 0.01)).toEqual([undefined, 1]);
  });

  it('is transitive in every batch: who beats one beats whom that one beats', () => {
    const random = new Random('order');
    for (let at = 0; at < 3000; at++) {
      const leader = random.int(4);
      const [a, b, c] = Array.from({ length: 3 }, (_, i) => of([random.chance(0.05) ? NaN : 1 + random.int(30) / 1000], { leader: i === leader })) as [Measurement, Measurement, Measurement];
      // a win rate counts only wins, so a circle of three would give each of them one
      expect(winRates([a, b, c], 0.01)).not.toEqual([0.5, 0.5, 0.5]);
      const beats = (x: Measurement, y: Measurement, inOrder: boolean): boolean => winRates(inOrder ? [x, y] : [y, x], 0.01)[inOrder ? 0 : 1] === 1;
      if (beats(a, b, true) && beats(b, c, true)) expect(beats(a, c, true)).toBe(true);
      if (beats(c, b, false) && beats(b, a, false)) expect(beats(c, a, false)).toBe(true);
      if (beats(b, a, false) && beats(a, c, true)) expect(beats(b, c, true)).toBe(true);
    }
  });

  it('protects the leader from an earlier commit too: else c would beat a, a the leader and the leader c', () => {
    const [a, leader, c] = [of([0.995]), of([1], { leader: true }), of([0.992])] as const;
    expect(winRates([a, leader, c], 0.01)).toEqual([0, 1, 0.5]);
  });
});
