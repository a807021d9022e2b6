import { describe, expect, it } from 'vitest';
import { averageScores, type Score } from '../../../genki/incentive/moving-average.ts';

const parameters = { rate: 0.25, expiresAfter: 3 };
const miner = (hotkey: string, value: number, registeredAt = 7) => ({ competition: 'ruby', hotkey, registeredAt, value });
const score = (hotkey: string, value: number, epoch: number, registeredAt = 7): Score => ({ ...miner(hotkey, value, registeredAt), epoch });

describe('averageScores', () => {
  it('mixes the new with the old, and starts a newcomer at its first measurement', () => {
    expect(averageScores([score('a', 0.8, 4)], [miner('a', 0.4), miner('b', 0.4)], 5, parameters)).toEqual([score('a', 0.25 * 0.4 + 0.75 * 0.8, 5), score('b', 0.4, 5)]);
  });

  it('starts anew who registers anew, whose old score nobody inherits', () => {
    const scores = averageScores([score('a', 0.8, 4)], [miner('a', 0.1, 99)], 5, parameters);
    expect(scores).toEqual([score('a', 0.1, 5, 99), score('a', 0.8, 4)]);
  });

  it('keeps competitions apart', () => {
    const scores = averageScores([{ ...score('a', 1, 4), competition: 'other' }], [miner('a', 0.2)], 5, parameters);
    expect(scores).toEqual([score('a', 0.2, 5), { ...score('a', 1, 4), competition: 'other' }]);
  });

  it('leaves a skipped miner as it was, and remembers it until it expires', () => {
    let scores = averageScores([], [miner('a', 0.6), miner('b', 0.2)], 1, parameters);
    for (const epoch of [2, 3, 4]) {
      scores = averageScores(scores, [miner('b', 0.2)], epoch, parameters);
      expect(scores[0]).toMatchObject({ hotkey: 'b', epoch });
    }
    expect(scores.find(({ hotkey }) => hotkey === 'a')).toEqual(score('a', 0.6, 1));
    scores = averageScores(scores, [], 5, parameters);
    expect(scores.some(({ hotkey }) => hotkey === 'a')).toBe(false);
    expect(averageScores(scores, [miner('a', 0.2)], 6, parameters)[0]).toEqual(score('a', 0.2, 6));
  });

  it('takes a measurement that is no number for 0', () => {
    expect(averageScores([score('a', 0.8, 4)], [miner('a', NaN)], 5, parameters)[0]!.value).toBeCloseTo(0.6, 12);
  });

  it('takes an old value that is no number for 0', () => {
    expect(averageScores([score('a', NaN, 4)], [miner('a', 0.4)], 5, parameters)[0]!.value).toBeCloseTo(0.1, 12);
  });

  it('counts an epoch once', () => {
    const scores = averageScores([], [miner('a', 1)], 5, parameters);
    expect(() => averageScores(scores, [miner('a', 1)], 5, parameters)).toThrow('Expected scores from before epoch 5, got one from epoch 5');
    expect(() => averageScores([], [miner('a', 1), miner('a', 1)], 5, parameters)).toThrow('Expected one measurement of a, got two');
    expect(() => averageScores([], [], 5, { ...parameters, rate: 0 })).toThrow('Expected a rate in (0, 1], got 0');
  });
});
