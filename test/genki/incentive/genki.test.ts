import { describe, expect, it } from 'vitest';
import { genki, genkiScores } from '../../../genki/incentive/genki.ts';
import type { Measurement } from '../../../genki/incentive/policy.ts';

const floor = { leastQuality: 0.1, leastCosine: 0.1 };
const of = (cosine: number | undefined, distance: number | undefined, rest: Partial<Measurement> = {}): Measurement => ({ accepted: true, cosine, distance, ...rest });
const close = (values: readonly (number | undefined)[]) => values.map((value) => (value === undefined ? value : expect.closeTo(value, 12)));

describe('genki', () => {
  it('gives the vector of the protocol', () => {
    const [d12, d13, d23] = [4, 6, 5];
    const miners = [of(0.3, (d12 + d13) / 2), of(0.28, (d12 + d23) / 2), of(0.25, (d13 + d23) / 2)];
    expect(miners.map(({ distance }) => distance)).toEqual([5, 4.5, 5.5]);
    expect(genkiScores(miners, floor)).toEqual(close([0.75, 0.3, 0.5]));
    const weights = genki(miners);
    expect(1 - weights[0]!).toBeCloseTo(1.4e-11, 12);
    expect(weights[1]! / 2.9e-20).toBeCloseTo(1, 1);
    expect(weights[2]! / 1.4e-11).toBeCloseTo(1, 1);
  });

  it('never pays noise for being different from everybody', () => {
    // the ancestor's own numbers: noise had .143 of all
    const miners = [of(0.3, 32), of(0.28, 31), of(0.02, 59)];
    expect(genkiScores(miners, floor)).toEqual(close([1, 0, undefined]));
    expect(genki(miners)[2]).toBe(0);
    // anchored, where the competition has anchors: a cosine says nothing then
    const anchored = [of(0.05, 32, { quality: 0.8 }), of(0.04, 31, { quality: 0.7 }), of(0.03, 59, { quality: 0 }), of(0.9, 60)];
    expect(genkiScores(anchored, floor)).toEqual(close([1, 0, undefined, undefined]));
    expect(genki(anchored, { leastQuality: 0.75 })).toEqual([1, 0, 0, 0]);
  });

  it('hears nobody whose cosine is missing or no number, and nobody who was not accepted', () => {
    expect(genki([of(0.3, 5), of(NaN, 6), of(undefined, 7), of(Infinity, 8), of(0.9, 9, { accepted: false })])).toEqual([1, 0, 0, 0, 0]);
  });

  it('takes a distance that is missing, no number or an error code for the smallest', () => {
    for (const odd of [undefined, NaN, Infinity, -1]) expect(genkiScores([of(0.3, 5), of(0.3, 4), of(0.3, odd)], floor)).toEqual(close([0.75, 0.25, 0.25]));
    for (const odd of [undefined, NaN, -1]) expect(genkiScores([of(0.3, odd), of(0.2, odd)], floor)).toEqual(close([0.75, 0.25]));
  });

  it('does not let a cosine below 0 widen the range', () => {
    const miners = [of(0.2, 1, { quality: 0.9 }), of(0.1, 1, { quality: 0.6 }), of(-1, 1, { quality: 0.5 })];
    expect(genkiScores(miners, floor)).toEqual(close([0.75, 0.5, 0.25]));
  });
});
