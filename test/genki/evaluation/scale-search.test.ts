import { describe, expect, it } from 'vitest';
import { nearestScale, searchScale, Trials, type Trial } from '../../../genki/evaluation/scale-search.ts';

const scales = [0.2, 0.4, 0.6, 0.8, 1];
const holdOut = { styles: ['new', 'new', 'old', 'old'], floors: { new: 0 }, guards: ['old'] };
/** A loss with its least at `peak`, and forgetting that grows with the square of the scale. */
const trials = (peak: number, forgets = 0): Trials =>
  new Trials({ gram: [[1]], holdOut, scales, tolerance: 0.1, evaluate: ([term]) => Promise.resolve(term ? [0, 0, 0, 0].map((_, i) => (i < 2 ? 1 + (term.weight - peak) ** 2 : 1 + forgets * term.weight ** 2)) : [2, 2, 1, 1]) });
const search = async (peak: number, forgets: number, start: number): Promise<{ trial: Trial; evaluations: number }> => {
  const all = trials(peak, forgets);
  return { trial: await searchScale(all, { members: [0], beside: [0], limit: 1, at: start }), evaluations: all.evaluations };
};

describe('searchScale', () => {
  it.each(scales)('climbs to the peak at %f from anywhere', async (peak) => {
    for (const start of scales.keys()) expect(scales[(await search(peak, 0, start)).trial.at]).toBe(peak);
  });

  it('stays at a good start for three evaluations and the base', async () => {
    expect((await search(0.6, 0, 2)).evaluations).toBe(4);
  });

  it('keeps the guard where the peak would forget', async () => {
    for (const start of scales.keys()) expect(scales[(await search(1, 0.25, start)).trial.at]).toBe(0.6);
  });

  it('says when no scale keeps the guard', async () => {
    expect((await search(1, 9, 4)).trial).toMatchObject({ at: 0, excess: expect.closeTo(9 * 0.04 - 0.1, 9), forgot: { style: 'old' } });
  });
});

describe('nearestScale', () => {
  it('finds the index', () => expect([0, 0.5, 0.61, 7].map((scale) => nearestScale(scales, scale))).toEqual([0, 1, 2, 4]));
});
