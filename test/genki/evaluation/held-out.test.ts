import { describe, expect, it } from 'vitest';
import { forgetting } from '../../../genki/evaluation/guard.ts';
import { checkHoldOut, learnedLoss, lossByStyle, pairedGain, type HoldOut } from '../../../genki/evaluation/held-out.ts';
import { relativeGain, relativeGains } from '../../../genki/evaluation/relative-gain.ts';
import { correctedThreshold } from '../../../genki/evaluation/z-score.ts';

const part: HoldOut = { styles: ['a', 'a', 'a', 'b', 'b', 'old', 'old'], floors: { a: 0.5, b: 0.1 }, guards: ['old'] };
const base = [2, 3, 4, 1, 1.2, 0.2, 0.4];
const after = [1, 2.5, 2.5, 0.9, 1.3, 0.25, 0.45];

describe('lossByStyle', () => {
  it('is the mean of each style, unweighted by the others', () => {
    expect(lossByStyle(base, part.styles)).toEqual({ a: 3, b: expect.closeTo(1.1, 12), old: expect.closeTo(0.3, 12) });
    expect(learnedLoss(base, part)).toBeCloseTo((3 + 1.1) / 2, 12);
  });

  it('is infinite for what is no number', () => {
    expect(lossByStyle([NaN, 1], ['a', 'b'])).toEqual({ a: Infinity, b: 1 });
    expect(() => lossByStyle([1], ['a', 'b'])).toThrow('Expected 2 losses, one a clip, got 1');
  });
});

describe('pairedGain', () => {
  it('pairs clips and weighs styles alike, in a hand-worked case', () => {
    // a: 1, .5, 1.5: mean 1, variance .25; b: .1, -.1: mean 0, variance .02
    const { mean, standardError } = pairedGain(base, after, part);
    expect(mean).toBeCloseTo(0.5, 12);
    expect(standardError).toBeCloseTo(Math.sqrt((0.25 / 3 + 0.02 / 2) / 4), 12);
  });

  it('is minus infinity where a model has no loss, also after JSON', () => {
    expect(pairedGain(base, [NaN, ...after.slice(1)], part)).toEqual({ mean: -Infinity, standardError: 0 });
    expect(pairedGain(base, JSON.parse(JSON.stringify([Infinity, ...after.slice(1)])) as number[], part).mean).toBe(-Infinity);
  });
});

describe('relativeGain', () => {
  it('is the part of what could be learned, mean over the styles', () => {
    expect(relativeGains(base, after, part)).toEqual({ a: expect.closeTo(1 / 2.5, 12), b: expect.closeTo(0, 12) });
    expect(relativeGain(base, after, part)).toBeCloseTo(0.2, 12);
    expect(relativeGain(base, base, part)).toBe(0);
  });

  it('is 1 at the floors, and stays within -1 and 1', () => {
    expect(relativeGain(base, [0.5, 0.5, 0.5, 0.1, 0.1, 9, 9], part)).toBeCloseTo(1, 12);
    expect(relativeGain(base, [0, 0, 0, 0, 0, 9, 9], part)).toBe(1);
    expect(relativeGain(base, base.map(() => 99), part)).toBe(-1);
    expect(relativeGain(base, base.map(() => NaN), part)).toBe(-1);
  });

  it('has nothing to give where the base is at the floor', () => {
    expect(relativeGains([0.4, 0.4, 0.4, 1, 1, 0, 0], [0.3, 0.9, 0.3, 0.55, 0.55, 0, 0], part)).toEqual({ a: 0, b: expect.closeTo(0.5, 12) });
  });

  it('is an error on an empty set, not 0', () => {
    expect(() => relativeGain([], [], { styles: [], floors: {}, guards: [] })).toThrow('Expected held-out clips of at least one style, got none');
    expect(() => relativeGain([1], [1], { styles: ['a'], floors: { a: 0, b: 0 }, guards: [] })).toThrow('Expected held-out clips of style b, got none');
    expect(() => relativeGain([NaN], [1], { styles: ['a'], floors: { a: 0 }, guards: [] })).toThrow('Expected a finite loss of the base on style a, got Infinity');
  });
});

describe('forgetting', () => {
  it('names the guarded style that suffers most', () => {
    const styles = ['a', 'old', 'older'];
    const guarded = { styles, floors: { a: 0 }, guards: ['old', 'older'] };
    expect(forgetting([1, 1, 1], [0, 1.05, 1.2], guarded)).toEqual({ style: 'older', loss: expect.closeTo(0.2, 12) });
    expect(forgetting([1, 1, 1], [0, NaN, 1], guarded)).toEqual({ style: 'old', loss: Infinity });
    expect(forgetting([1], [0], { styles: ['a'], floors: { a: 0 }, guards: [] })).toBeUndefined();
  });
});

describe('checkHoldOut', () => {
  it('takes what can be scored', () => expect(() => checkHoldOut(part)).not.toThrow());

  it.each([
    ['an empty one', { styles: [], floors: {}, guards: [] }, 'got an empty one'],
    ['a group of one clip', { ...part, styles: part.styles.slice(1, 6) }, 'Expected at least 2 held-out clips of style old, got 1'],
    ['a stray style', { ...part, styles: [...part.styles, 'c'] }, 'Expected clips of a, b, old in the hold-out, got c'],
    ['a style in both roles', { ...part, guards: ['a'], styles: part.styles.slice(0, 5) }, 'Expected a style to be learned or guarded, got a in both'],
  ])('refuses %s', (_, wrong, message) => expect(() => checkHoldOut(wrong)).toThrow(message));
});

describe('correctedThreshold', () => {
  it('is two standard errors for one candidate and grows with their number', () => {
    expect([1, 2, 7, 20].map((n) => correctedThreshold(2, n))).toEqual([2.0, 2.277, 2.721, 3.052].map((z) => expect.closeTo(z, 2)));
    expect(() => correctedThreshold(2, 0)).toThrow('Expected at least one candidate, got 0');
  });
});
