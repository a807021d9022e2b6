import { describe, expect, it } from 'vitest';
import { combineCompetitions } from '../../../genki/incentive/combine-competitions.ts';
import { epochScores } from '../../../genki/incentive/epoch-scores.ts';
import { policyNamed, policyNames } from '../../../genki/incentive/policies.ts';
import type { Measurement } from '../../../genki/incentive/policy.ts';

const pay = (name: string, miners: readonly Partial<Measurement>[]): number[] => policyNamed(name)(miners.map((one) => ({ accepted: true, ...one })));
const close = (weights: readonly number[]) => weights.map((weight) => expect.closeTo(weight, 12));

/** What made an ancestor skip, raise or divide by zero. */
describe('genki', () => {
  it('one miner: quality only, weight 1', () => {
    expect(pay('genki', [{ cosine: 0.3 }])).toEqual([1]);
    expect(pay('genki', [{ cosine: 0.3, distance: 0 }])).toEqual([1]);
  });

  it('two miners: equally diverse, so quality decides', () => {
    const [better, worse] = pay('genki', [{ cosine: 0.3, distance: 4 }, { cosine: 0.2, distance: 4 }]);
    expect(better).toBeCloseTo(1, 12);
    expect(worse! / Math.exp(-50)).toBeCloseTo(1, 6); // f .75 and .25
  });

  it('all q equal: .5 each, diversity decides', () => {
    expect(pay('genki', [{ cosine: 0.3, distance: 4 }, { cosine: 0.3, distance: 5 }, { cosine: 0.3, distance: 6 }])[2]).toBeCloseTo(1, 9);
  });

  it('all s equal, all of both equal: by the same rule', () => {
    expect(pay('genki', [{ cosine: 0.3, distance: 4 }, { cosine: 0.25, distance: 4 }, { cosine: 0.2, distance: 4 }])[0]).toBeCloseTo(1, 9);
    expect(pay('genki', [{ cosine: 0.3, distance: 4 }, { cosine: 0.3, distance: 4 }])).toEqual(close([0.5, 0.5]));
  });

  it('all q 0: nobody is paid', () => {
    expect(pay('genki', [{ cosine: 0, distance: 4 }, { cosine: 0, distance: 5 }])).toEqual([0, 0]);
  });

  it('q negative: counts as 0', () => {
    expect(pay('genki', [{ cosine: -0.3, distance: 4 }, { cosine: -0.2, distance: 5 }])).toEqual([0, 0]);
    expect(pay('genki', [{ cosine: 0.3, distance: 4 }, { cosine: -0.2, distance: 50 }])).toEqual([1, 0]);
  });
});

describe('win-rate', () => {
  it('all lists empty: nobody is paid, where all had the same', () => {
    expect(pay('win-rate', [{ losses: [] }, { losses: [] }, {}])).toEqual([0, 0, 0]);
  });

  it('equal losses: the earlier in the block wins', () => {
    expect(pay('win-rate', [{ losses: [1, 2] }, { losses: [1, 2] }])[0]).toBeGreaterThan(0.999);
  });

  it('candidates from only one competition: the others do not fade', () => {
    const overTime = { kind: 'average', rate: 0.1, expiresAfter: 4 } as const;
    const first = epochScores({ competition: 'a', epoch: 1, overTime, measured: [{ hotkey: 'x', registeredAt: 1, score: 1 }] });
    const other = epochScores({ competition: 'b', epoch: 1, overTime, previous: first.carried, measured: [{ hotkey: 'y', registeredAt: 1, score: 1 }] });
    const later = [2, 3, 4].reduce((previous, epoch) => epochScores({ competition: 'b', epoch, overTime, previous, measured: [{ hotkey: 'y', registeredAt: 1, score: 1 }] }).carried, other.carried);
    const again = epochScores({ competition: 'a', epoch: 5, overTime, previous: later, measured: [{ hotkey: 'x', registeredAt: 1, score: 1 }] });
    expect(again.carried.entries.find(({ competition }) => competition === 'a')).toMatchObject({ value: 1 });
    const vector = combineCompetitions([{ competition: 'a', share: 0.6, weights: first.weights }, { competition: 'b', share: 0.4, weights: other.weights }]);
    expect([...vector.values()]).toEqual(close([0.6, 0.4]));
  });
});

describe('gradient-agreement', () => {
  it('sum of S at or below 0: nobody is paid, and no sign turns over', () => {
    expect(pay('gradient-agreement', [{ agreement: -0.2 }, { agreement: -0.3 }])).toEqual([0, 0]);
    expect(pay('gradient-agreement', [{ agreement: 0.5 }, { agreement: -0.6 }])).toEqual([1, 0]);
    expect(pay('gradient-agreement', [{ agreement: 0 }, { agreement: 0 }])).toEqual([0, 0]);
  });

  it('no slice in the window: nobody to pay', () => {
    expect(pay('gradient-agreement', [])).toEqual([]);
    expect(pay('gradient-agreement', [{}, {}])).toEqual([0, 0]);
  });
});

describe('two negative factors', () => {
  it('never make a positive one', () => {
    expect(pay('delta-loss', [{ deltaLoss: 0.1 }, { similarity: 1, deltaLoss: -5 }])).toEqual([1, 0]);
    expect(pay('dama', [{ contribution: 0.1 }, { similarity: 2, contribution: -5 }, { similarity: 0, contribution: -5, quality: -1, diversity: -1 }])).toEqual([0, 0, 0]);
    expect(pay('dama', [{ contribution: 0.1, quality: 1, diversity: 1 }, { similarity: 0, contribution: -5, quality: -1, diversity: -1 }])).toEqual([1, 0]);
  });
});

describe.each(policyNames)('%s', (name) => {
  it('pays nobody where there is nobody, and nobody valid', () => {
    expect(pay(name, [])).toEqual([]);
    expect(pay(name, [{}, {}])).toEqual([0, 0]);
    expect(pay(name, [{ accepted: false, cosine: 1, distance: 1, losses: [1], agreement: 1, deltaLoss: 1, contribution: 1, similarity: 0 }])).toEqual([0]);
  });

  it('gives a sole entrant all', () => {
    expect(pay(name, [{ cosine: 0.3, losses: [1, 2], agreement: 0.1, deltaLoss: 0.1, contribution: 0.1 }])).toEqual([1]);
  });
});
