import { describe, expect, it } from 'vitest';
import { agreements, gradientAgreement } from '../../../genki/incentive/gradient-agreement.ts';
import type { Measurement } from '../../../genki/incentive/policy.ts';

const of = (agreement: number | undefined, accepted = true): Measurement => ({ accepted, agreement });

describe('gradient-agreement', () => {
  it('shares what agrees, and pays nothing for going the other way', () => {
    expect(gradientAgreement([of(0.6), of(0.2), of(-0.4)])).toEqual([expect.closeTo(0.75, 12), expect.closeTo(0.25, 12), 0]);
    expect(gradientAgreement([of(0.5), of(-0.4)])).toEqual([1, 0]);
  });

  it('takes what is missing, no number or not accepted for 0', () => {
    expect(gradientAgreement([of(0.5), of(undefined), of(NaN), of(Infinity), of(0.9, false)])).toEqual([1, 0, 0, 0, 0]);
  });

  it('averages the agreement itself, which may be negative', () => {
    expect(agreements([of(0.6), of(-0.4), of(NaN), of(0.9, false), of(-3)])).toEqual([0.6, -0.4, 0, 0, -1]);
  });
});
