import { describe, expect, it } from 'vitest';
import { bareDeltaLoss, bareDiversity, bareGenki, bareGradientAgreement, barePolicies, bareWinRate } from '../../../genki/incentive/bare-policies.ts';
import { policyNames } from '../../../genki/incentive/policies.ts';
import type { Measurement } from '../../../genki/incentive/policy.ts';

const to = (digits: number) => (weights: readonly number[]) => weights.map((weight) => Number(weight.toFixed(digits)));
const heard = (cosines: readonly (number | undefined)[], distances: readonly number[]): Measurement[] => cosines.map((cosine, i) => ({ accepted: false, cosine, distance: distances[i] }));
const lost = (...losses: (readonly number[])[]): Measurement[] => losses.map((each) => ({ accepted: false, losses: each }));
const agreeing = (...agreements: number[]): Measurement[] => agreements.map((agreement) => ({ accepted: false, agreement }));

it('has no ancestor that a competition could name', () => {
  expect([...barePolicies.keys()].every((name) => policyNames.includes(name))).toBe(true);
  expect(policyNames.some((name) => name.startsWith('bare'))).toBe(false);
});

describe('bareGenki', () => {
  it('is the ancestor\'s formula', () => {
    expect(to(6)(bareGenki(heard([0.3, 0.28, 0.25], bareDiversity([[0, 4, 6], [4, 0, 5], [6, 5, 0]]))))).toEqual([1, 0, 0]);
    expect(bareDiversity([[0, 4, 6], [4, 0, 5], [6, 5, 0]])).toEqual([5, 4.5, 5.5]);
  });

  it('pays noise for being different', () => {
    const distances = bareDiversity([[0, 4, 60], [4, 0, 58], [60, 58, 0]]);
    expect(distances).toEqual([32, 31, 59]);
    expect(to(3)(bareGenki(heard([0.3, 0.28, 0.02], distances)))).toEqual([0.853, 0.004, 0.143]);
  });

  it('drops the distance of a copy from its original, and then pays nobody', () => {
    const distances = bareDiversity([[0, 0, 6], [0, 0, 6], [6, 6, 0]]);
    expect(distances).toEqual([6, 6, 6]);
    expect(bareGenki(heard([0.3, 0.3, 0.2], distances))).toEqual([0, 0, 0]);
  });

  it('pays nobody among one, among two, or where one is missing', () => {
    expect(bareGenki(heard([0.3], [0]))).toEqual([0]);
    expect(bareGenki(heard([0.3, 0.2], [4, 4]))).toEqual([0, 0]);
    expect(bareGenki(heard([0.3, undefined, 0.2], [4, 5, 6]))).toEqual([0, 0, 0]);
    expect(bareGenki([])).toEqual([]);
  });
});

describe('bareDeltaLoss', () => {
  it('pays a copy that does harm, and for more harm more', () => {
    const paid = (harm: number): number => bareDeltaLoss([{ accepted: true, similarity: 0, deltaLoss: 0.1 }, { accepted: false, similarity: 1, deltaLoss: -harm }])[1]!;
    expect(paid(0)).toBeCloseTo(0, 12);
    expect(paid(1.9)).toBeCloseTo(0.5, 12); // .05 · 1.9 = .95 · .1
    expect(paid(19)).toBeCloseTo(10 / 11, 12);
  });
});

describe('bareWinRate', () => {
  it('lets three commits beat one another in a circle', () => {
    expect(to(6)(bareWinRate(lost([1], [0.991], [0.989])))).toEqual([0.333333, 0.333333, 0.333333]);
  });

  it('lets five whose loss is no number take nearly half of the best one\'s weight', () => {
    const sybils = Array.from({ length: 5 }, () => [NaN]);
    expect(to(3)(bareWinRate(lost([1], [2])))).toEqual([1, 0]);
    expect(to(3)(bareWinRate(lost([1], [2], ...sybils)))).toEqual([0.572, ...Array.from({ length: 6 }, () => 0.071)]);
  });

  it('pays two that failed as much as the one that did not', () => {
    expect(to(6)(bareWinRate(lost([1, 1], [], [])))).toEqual([0.333333, 0.333333, 0.333333]);
  });
});

describe('bareGradientAgreement', () => {
  it('pays the worst most when the sum is negative', () => {
    expect(bareGradientAgreement(agreeing(0.5, -0.4))).toEqual([1, 0]);
    expect(bareGradientAgreement(agreeing(0.5, -0.6))).toEqual([0, 1]);
    expect(to(6)(bareGradientAgreement(agreeing(-0.2, -0.3)))).toEqual([0.4, 0.6]);
    expect(bareGradientAgreement(agreeing(NaN, 0.1))).toEqual([0, 1]);
  });
});
