import { describe, expect, it } from 'vitest';
import { settleUndecided } from '../../../client/verify/undecided.ts';
import type { Acceptance } from '../../../genki/evaluation/acceptance.ts';
import { UNDECIDED } from '../../../genki/evaluation/verdict.ts';

const verdict = (index: number, accepted: boolean, margin: number | null) => ({ index, accepted, margin, marginal: null, reason: accepted ? 'adds' : 'adds too little' });
const acceptanceOf = (accepted: readonly number[], more: Partial<Acceptance> = {}): Acceptance => ({ accepted, verdicts: [0, 1, 2].map((index) => verdict(index, accepted.includes(index), 0.2)), scale: 0.5, gain: 0.4, evaluations: 9, factors: [1, 1, 1], residuals: [[], [], []], overlaps: [0, 0, 0], ...more });
const asTold = async (among: readonly number[], scale: number): Promise<Acceptance> => acceptanceOf(among, { scale });
const unasked = (): Promise<Acceptance> => Promise.reject(new Error('nothing was to be accepted again'));

describe('settleUndecided', () => {
  it('keeps what both engines found', async () => {
    const own = acceptanceOf([0, 2]);
    expect(await settleUndecided(own, { accepted: [0, 2], scale: 0.5 }, unasked)).toEqual({ acceptance: own });
  });

  it('goes on with the report\'s where a verdict is so close that either may be right', async () => {
    const own = acceptanceOf([0, 2], { verdicts: [verdict(0, true, 0.2), verdict(1, false, -UNDECIDED), verdict(2, true, 0.2)] });
    const { acceptance, undecided } = await settleUndecided(own, { accepted: [0, 1, 2], scale: 0.5 }, asTold);
    expect(acceptance).toMatchObject({ accepted: [0, 1, 2], scale: 0.5 });
    expect(undecided).toEqual([1]);
  });

  it('goes on with the report\'s scale where nothing else differs', async () => {
    expect(await settleUndecided(acceptanceOf([0]), { accepted: [0], scale: 0.6 }, asTold)).toMatchObject({ acceptance: { scale: 0.6 }, undecided: [] });
  });

  it.each<[string, Partial<Acceptance>, (typeof asTold)]>([
    ['a verdict that is clear', { verdicts: [verdict(0, true, 0.2), verdict(1, false, -1.01 * UNDECIDED), verdict(2, true, 0.2)] }, unasked],
    ['a verdict without a margin', { verdicts: [verdict(0, true, 0.2), verdict(1, false, null), verdict(2, true, 0.2)] }, unasked],
    ['a set that does not hold', { verdicts: [verdict(0, true, 0.2), verdict(1, false, 0), verdict(2, true, 0.2)] }, async () => acceptanceOf([0, 2])],
    ['a set that gains another amount', { verdicts: [verdict(0, true, 0.2), verdict(1, false, 0), verdict(2, true, 0.2)] }, async (among) => acceptanceOf(among, { gain: 0.41 })],
  ])('stays with its own over %s', async (_, more, only) => {
    const own = acceptanceOf([0, 2], more);
    expect(await settleUndecided(own, { accepted: [0, 1, 2], scale: 0.5 }, only)).toEqual({ acceptance: own });
  });
});
