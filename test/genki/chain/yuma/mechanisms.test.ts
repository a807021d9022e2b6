import { describe, expect, it } from 'vitest';
import { runMechanisms, splitEmission } from '../../../../genki/chain/yuma/mechanisms.ts';
import { simulateEpoch } from '../../../../genki/chain/yuma/simulate.ts';
import type { SparseRow } from '../../../../genki/chain/yuma/sparse.ts';
import { runEpoch, type EpochInput } from '../../../../genki/chain/yuma/yuma.ts';
import { subnet } from './subnet.ts';

type Row = SparseRow<number>;
const only = (j: number): Row => [[j, 65535]];

describe('the emission of a subnet', () => {
  it('is split evenly, or as its owner says, and all of it', () => {
    expect(splitEmission(100n, null, 3)).toEqual([34n, 33n, 33n]);
    expect(splitEmission(1_000_000n, [32768, 32767], 2)).toEqual([500_008n, 499_992n]);
    expect(splitEmission(7n, [65535], 2)).toEqual([7n, 0n]);
    expect(splitEmission(0n, null, 2)).toEqual([0n, 0n]);
  });
});

describe('a subnet of several mechanisms', () => {
  const one = subnet([3, 1, 0, 0], { weights: [only(2), only(2), [], []] });

  it('is one epoch where there is but one', () => {
    const { incentive, bonds, ...rest } = runEpoch(one);
    expect(runMechanisms([one])).toEqual({ ...rest, mechanisms: [{ incentive, bonds }] });
  });

  it('keeps incentives and bonds apart, and weighs all else by the emission', () => {
    const split = (emission: bigint, weights: Row[]): EpochInput => ({ ...one, emission, weights });
    const two = runMechanisms([split(750n, [only(2), [], [], []]), split(250n, [[], only(3), [], []])]);
    expect(two.mechanisms.map(({ incentive }) => incentive)).toEqual([[0, 0, 65535, 0], [0, 0, 0, 0]]);
    // of the second the lighter validator alone says something, which is no majority: all goes by stake, .75 and .25
    const alone = [split(750n, [only(2), [], [], []]), split(250n, [[], only(3), [], []])].map(runEpoch);
    expect(alone[1]!.emission).toEqual([187n, 62n, 0n, 0n]);
    expect(two.dividends).toEqual(alone[0]!.dividends.map((d, i) => Math.floor(d * 0.75) + Math.floor(alone[1]!.dividends[i]! * 0.25)));
    expect(two.emission).toEqual(alone[0]!.emission.map((e, i) => (e * 3n) / 4n + alone[1]!.emission[i]! / 4n));
    expect(two.validatorPermit).toEqual([true, true, false, false]);
  });

  it('gives the first all the weight while nothing is emitted', () => {
    const none = { ...one, emission: 0n };
    const { dividends } = runEpoch(none);
    expect(runMechanisms([none, { ...none, weights: [only(3), only(3), [], []] }]).dividends).toEqual(dividends);
  });
});

describe('a simulated epoch', () => {
  const input = subnet([3, 2, 0, 0], { block: 100, lastUpdate: [50, 50, 50, 50], blockAtRegistration: [0, 0, 0, 60], weights: [only(2), only(2), [], []], maxAllowedValidators: 1 });

  it('says what stays and what changes', () => {
    const [first, second, third, fourth] = simulateEpoch([input], [{ uid: 0, mechanism: 0, weights: [[2, 0.2], [3, 0.6]] }]);
    expect(third).toMatchObject({ before: { incentive: [65535] }, permit: { now: true, next: false } });
    expect(first!.permit).toEqual({ now: true, next: true });
    // the lighter one loses its permit
    expect(second!.permit).toEqual({ now: true, next: false });
    // its weight is newer than the registration of the fourth, which the old one was not
    expect(fourth!.before.incentive).toEqual([0]);
    expect(fourth!.after.incentive[0]).toBeGreaterThan(40_000);
    expect(third!.after.incentive[0]).toBeLessThan(25_000);
  });

  it('is the epoch itself where nothing changes', () => {
    const { dividends, consensus, emission, incentive } = runEpoch(input);
    for (const { uid, before, after } of simulateEpoch([input], [])) {
      expect(before).toEqual({ incentive: [incentive[uid]], dividends: dividends[uid], consensus: consensus[uid], emission: emission[uid] });
      expect(after).toEqual(before);
    }
  });

  it.each([
    ['of a uid that is not there', { uid: 4, mechanism: 0, weights: [] }, 'Expected uids below 4, got 4'],
    ['to a uid that is not there', { uid: 0, mechanism: 0, weights: only(9) }, 'Expected uids below 4, got 9'],
    ['to a uid twice', { uid: 0, mechanism: 0, weights: [...only(2), ...only(2)] }, 'Expected a weight for each uid once'],
    ['below 0', { uid: 0, mechanism: 0, weights: [[2, -1]] as Row }, 'not below 0'],
    ['of a mechanism that is not there', { uid: 0, mechanism: 1, weights: [] }, 'Expected a mechanism below 1, got 1'],
  ])('takes no weights %s', (_, change, message) => {
    expect(() => simulateEpoch([input], [change])).toThrow(message);
  });
});
