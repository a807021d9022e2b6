import { describe, expect, it } from 'vitest';
import type { ClipLosses } from '../../../genki/evaluation/window-gains.ts';
import { errorsOf, unmeasured, windowScore } from '../../../genki/evaluation/window-score.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';

/** Four clips of loss 1 that gain so much, give or take a hundredth, and as much by the others' update as said. */
const gaining = (gain: number, reference: number | null = null): ClipLosses => ({ before: [1, 1, 1, 1], after: [0.01, -0.01, 0.01, -0.01].map((off) => 1 - gain + off), reference: reference === null ? null : [1, 1, 1, 1].map((loss) => loss - reference) });
const scored = (own: ClipLosses | null, holdout: ClipLosses) => windowScore({ hotkey: 'a', agreement: 0.1, own, holdout });

describe('the score of a window', () => {
  it('is sound for who gains more on its own pages than on holdout music', () => {
    const score = scored(gaining(0.2), gaining(0.1));
    expect(score).toMatchObject({ hotkey: 'a', agreement: 0.1, verdict: 'sound' });
    expect(score.own!.gain).toBeCloseTo(0.2, 12);
    expect(score.holdout!.gain).toBeCloseTo(0.1, 12);
    expect(score.gap!.gain).toBeCloseTo(0.1, 12);
  });

  it('is lazy for who gains as much on both, however much', () => {
    expect(scored(gaining(0.1), gaining(0.1))).toMatchObject({ verdict: 'lazy', reason: expect.stringContaining('no sign of that work') as string });
    expect(scored(gaining(0.1), gaining(0.2)).verdict).toBe('lazy');
  });

  it('is harmful for who makes holdout music worse, whatever it gains on its own', () => {
    expect(scored(gaining(0.5), gaining(-0.1))).toMatchObject({ verdict: 'harmful', reason: expect.stringContaining('worse by 0.1000 nats a code') as string });
    expect(scored(gaining(NaN), gaining(0.1)).verdict).toBe('lazy');
    expect(scored(gaining(0.5), gaining(NaN))).toMatchObject({ verdict: 'harmful', holdout: { gain: -1000 } });
    expect(() => canonicalJson(scored(gaining(NaN), gaining(NaN)))).not.toThrow();
  });

  it('counts holdout music alone where there are no pages, and says so', () => {
    expect(scored(null, gaining(0.1))).toMatchObject({ own: null, gap: null, verdict: 'sound', reason: expect.stringContaining('only holdout music counts') as string });
    expect(scored(null, gaining(0))).toMatchObject({ verdict: 'lazy', reason: expect.stringContaining('only holdout music counts') as string });
  });

  it('is lazy for an update that is nothing, or the others\' own', () => {
    const flat: ClipLosses = { before: [1, 2, 3], after: [1, 2, 3], reference: [0.9, 1.7, 2.8] };
    expect(scored(flat, flat)).toMatchObject({ verdict: 'lazy', gap: { gain: 0 } });
    const same: ClipLosses = { before: [1, 2, 3], after: [0.9, 1.7, 2.8], reference: [0.9, 1.7, 2.8] };
    expect(scored(same, { before: [1, 2, 3], after: [0.8, 1.9, 2.5], reference: [0.8, 1.9, 2.5] }).verdict).toBe('lazy');
  });

  it('is none of an update that nobody can read', () => {
    expect(unmeasured('a', 'no file')).toEqual({ hotkey: 'a', agreement: null, own: null, holdout: null, gap: null, verdict: 'unmeasured', reason: 'no file' });
  });

  it('bounds the agreement, and has none that is no number', () => {
    const agreement = (cosine: number) => windowScore({ hotkey: 'a', agreement: cosine, own: null, holdout: gaining(0.1) }).agreement;
    expect([agreement(1.0000001), agreement(-2), agreement(NaN)]).toEqual([1, -1, 0]);
  });

  it('divides by no error smaller than float32 has', () => {
    expect(errorsOf({ gain: 1e-6, standardError: 0 })).toBeCloseTo(0.1, 12);
    expect(errorsOf({ gain: 0.2, standardError: 0.1 })).toBe(2);
  });
});
