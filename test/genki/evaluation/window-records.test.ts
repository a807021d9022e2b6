import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { measurementsOf, type ScoredWindow, windowScores } from '../../../genki/evaluation/window-records.ts';
import { gradientAgreement } from '../../../genki/incentive/gradient-agreement.ts';
import { Random } from '../../../genki/protocol/random.ts';

type Score = ScoredWindow['scores'][number];

/** A peer whose gap is so many standard errors. */
const score = (hotkey: string, gap: number | null, more: Partial<Score> = {}): Score => ({ hotkey, registeredAt: 7, agreement: 0.1, own: null, holdout: { gain: 0.5, standardError: 0.1 }, gap: gap === null ? null : { gain: gap / 100, standardError: 0.01 }, verdict: 'sound', reason: '', ...more });
const windows = (...scores: Score[][]): ScoredWindow[] => scores.map((those, window) => ({ window, scores: those }));
const verdicts = (history: readonly ScoredWindow[]): Record<string, string> => Object.fromEntries(windowScores(history).map(({ hotkey, verdict }) => [hotkey, verdict]));

describe('the scores of an epoch\'s windows', () => {
  it('are moving averages, of the first few windows the mean: gaps of 4, 6 and 10 make 6⅔, at a rate of a half 7.5', () => {
    const history = windows([score('a', 4)], [score('a', 6, { agreement: 0.2 })], [score('a', 10, { agreement: 0.3 })]);
    const [record] = windowScores(history, { rate: 0.5 });
    expect(record).toMatchObject({ hotkey: 'a', registeredAt: 7, windows: 3, verdict: 'sound' });
    // (.1 + .2) / 2 = .15, then half of .15 and half of .3
    expect(record!.agreement).toBeCloseTo(0.225, 12);
    expect(record!.proof).toBeCloseTo(7.5, 12);
    expect(windowScores(history, { rate: 0.1 })[0]!.proof).toBeCloseTo(20 / 3, 12);
    expect(record!.holdout).toBeCloseTo(5, 12);
  });

  it('hold one window to 3 standard errors, and more of them to as much of their average', () => {
    expect(verdicts(windows([score('a', 2.9)]))).toEqual({ a: 'lazy' });
    expect(verdicts(windows([score('a', 3.1)]))).toEqual({ a: 'sound' });
    // the average of ten windows has the error 1/√10 of one, three of which are .95
    expect(verdicts(windows(...Array.from({ length: 10 }, () => [score('a', 1.2)])))).toEqual({ a: 'sound' });
    expect(verdicts(windows(...Array.from({ length: 10 }, () => [score('a', 0.9)])))).toEqual({ a: 'lazy' });
  });

  it('find who does less than the others, though what it does is no chance', () => {
    const history = windows(...Array.from({ length: 10 }, () => [score('a', 5), score('b', 4), score('c', 5), score('part', 1.8), score('none', 0), score('more', 9)]));
    expect(verdicts(history)).toEqual({ a: 'sound', b: 'sound', c: 'sound', part: 'lazy', none: 'lazy', more: 'sound' });
    expect(windowScores(history).find(({ hotkey }) => hotkey === 'part')!.reason).toContain('less work than the others\'');
  });

  it('are not moved by those whose work is chance: they set no measure', () => {
    const crowd = Array.from({ length: 20 }, (_, i) => score(`none ${i}`, 0));
    expect(verdicts(windows(...Array.from({ length: 10 }, () => [score('a', 5), score('part', 1.8), ...crowd])))).toMatchObject({ a: 'sound', part: 'lazy' });
  });

  it('name who harms, once it does', () => {
    const bad = { gain: -1000, standardError: 0 };
    expect(verdicts(windows([score('a', 5, { holdout: bad })]))).toEqual({ a: 'harmful' });
    expect(verdicts(windows([score('a', 5, { holdout: { gain: -0.1, standardError: 0.1 } })]))).toEqual({ a: 'sound' });
  });

  it('forget a loss that was not finite', () => {
    const history = windows([score('a', 5, { gap: { gain: -1000, standardError: 0 } })], ...Array.from({ length: 15 }, () => [score('a', 5)]));
    expect(windowScores(history.slice(0, 1))[0]).toMatchObject({ proof: -10, verdict: 'lazy' });
    expect(windowScores(windows([score('a', NaN)]))[0]).toMatchObject({ proof: -10, verdict: 'lazy' });
    expect(windowScores(history)[0]!.verdict).toBe('sound');
    expect(windowScores(JSON.parse(JSON.stringify(history)) as ScoredWindow[])).toEqual(windowScores(history));
  });

  it('go by holdout music where there are no pages', () => {
    const history = windows([score('a', null), score('b', null, { holdout: { gain: 0.01, standardError: 0.01 } })]);
    expect(windowScores(history)).toMatchObject([{ proof: null, verdict: 'sound', reason: expect.stringContaining('no pages') as string }, { proof: null, verdict: 'lazy' }]);
  });

  it('start anew with who registers anew, and skip who was not measured', () => {
    const nothing = { agreement: null, own: null, holdout: null, gap: null, verdict: 'unmeasured', reason: 'x' } as const;
    const history = windows([score('a', 5)], [score('a', 0, nothing)], [score('a', 1, { registeredAt: 9 })], [{ ...score('b', 0), ...nothing }]);
    expect(windowScores(history)).toMatchObject([
      { hotkey: 'a', registeredAt: 7, windows: 1, proof: 5, verdict: 'sound' },
      { hotkey: 'a', registeredAt: 9, windows: 1, proof: 1, verdict: 'lazy' },
      { hotkey: 'b', windows: 0, agreement: 0, proof: null, verdict: 'unmeasured' },
    ]);
  });

  it('refuse windows out of order and a peer twice', () => {
    expect(() => windowScores([{ window: 2, scores: [] }, { window: 2, scores: [] }])).toThrow(InvalidInput);
    expect(() => windowScores(windows([score('a', 1), score('a', 2)]))).toThrow('Expected each peer once in window 0, got a twice');
  });

  it('pay the sound by their agreement, and nobody twice negative', () => {
    const records = windowScores(windows([score('a', 5, { agreement: 0.3 }), score('b', 5), score('lazy', 0, { agreement: 0.9 }), score('against', 5, { agreement: -0.4 })]));
    const weights = gradientAgreement(measurementsOf(records));
    [0.75, 0.25, 0, 0].forEach((weight, i) => expect(weights[i]).toBeCloseTo(weight, 12));
  });

  it('tell who works from who does not over seeded histories of 20 windows', () => {
    // as measured: honest 3.6 ± .9, two steps of ten 1.2 ± 1.1, none 0 ± 1
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(`records/${seed}`);
      const history = windows(...Array.from({ length: 20 }, () => [...[0, 1, 2].map((i) => score(`honest ${i}`, 3.6 + 0.9 * random.normal())), score('part', 1.2 + 1.1 * random.normal()), score('none', random.normal())]));
      expect(verdicts(history)).toEqual({ 'honest 0': 'sound', 'honest 1': 'sound', 'honest 2': 'sound', part: 'lazy', none: 'lazy' });
    }
  });
});
