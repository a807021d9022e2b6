import { describe, expect, it } from 'vitest';
import { combineCompetitions, type CompetitionWeights } from '../../../genki/incentive/combine-competitions.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { sum } from './crowd.ts';

const of = (competition: string, share: number, weights: Record<string, number>): CompetitionWeights => ({ competition, share, weights: new Map(Object.entries(weights)) });
const close = (weights: Record<string, number>) => Object.fromEntries(Object.entries(weights).map(([hotkey, weight]) => [hotkey, expect.closeTo(weight, 12)]));
const combined = (...vectors: CompetitionWeights[]) => Object.fromEntries(combineCompetitions(vectors));

describe('combineCompetitions', () => {
  it('adds up what each competition pays, by its share', () => {
    // a has .6 · .75 and b .6 · .25 + .4 · .5
    expect(combined(of('l3', 0.6, { a: 0.75, b: 0.25 }), of('s1', 0.4, { b: 0.5, c: 0.5 }))).toEqual(close({ a: 0.45, b: 0.35, c: 0.2 }));
  });

  it('counts only the proportions within each, and the shares against each other', () => {
    expect(combined(of('x', 0.1, { a: 3 }), of('y', 0.1, { b: 0.001, c: 0.001 }))).toEqual(close({ a: 0.5, b: 0.25, c: 0.25 }));
  });

  it('gives the others the share of one that paid nobody', () => {
    expect(combined(of('l3', 0.6, { a: 0, b: 0 }), of('s1', 0.3, { b: 1 }), of('s2', 0.1, { c: 1 }))).toEqual(close({ a: 0, b: 0.75, c: 0.25 }));
    expect(combined(of('l3', 0.6, {}), of('s1', 0, { b: 1 }))).toEqual({ b: 0 });
    expect(combined()).toEqual({});
  });

  it('lets in nothing that is no number or below 0', () => {
    expect(combined(of('l3', 0.5, { a: NaN, b: 1, c: -1, d: Infinity }))).toEqual({ a: 0, b: 1, c: 0, d: 0 });
  });

  it('is the same in any order, sums to 1 or is all 0', () => {
    const random = new Random('competitions');
    for (let at = 0; at < 1000; at++) {
      const vectors = Array.from({ length: 1 + random.int(4) }, (_, i) => of(`c${i}`, random.chance(0.2) ? 0 : random.float(), Object.fromEntries(Array.from({ length: random.int(5) }, () => [`m${random.int(6)}`, random.chance(0.3) ? 0 : random.float()]))));
      const vector = combineCompetitions(vectors);
      const total = sum([...vector.values()]);
      expect(Math.abs(total) < 1e-12 || Math.abs(total - 1) < 1e-12).toBe(true);
      expect([...vector.values()].every((weight) => Number.isFinite(weight) && weight >= 0)).toBe(true);
      expect([...combineCompetitions(random.shuffle(vectors))]).toEqual([...vector]);
    }
  });

  it('refuses a share that is none, and a competition that is there twice', () => {
    for (const share of [-0.1, 1.1, NaN]) expect(() => combined(of('x', 0.5, {}), of('y', share, {}))).toThrow(`Expected competition y to have a share in [0, 1], got ${share}`);
    expect(() => combined(of('x', 0.5, {}), of('y', 0.1, {}), of('x', 0.4, {}))).toThrow('Expected competition x once, got it twice');
  });
});
