import { describe, expect, it } from 'vitest';
import { windowSamples } from '../../../../../genki/evaluation/clap/nano/config.ts';
import { Ear, SUMMARY_SIZE, windowCount } from '../../../../../genki/evaluation/clap/nano/sound.ts';
import { TOY_NANO, toyClip } from '../support/toy-nano.ts';

const ear = new Ear(TOY_NANO);
const heard = (samples: Float32Array): Float32Array => ear.hear(samples).patches;

describe('Ear', () => {
  it('sums up a clip in rhythm and pitch profile', () => {
    for (const samples of [1, 96, 4000]) expect(ear.hear(toyClip('summary', samples)).summary.length).toBe(SUMMARY_SIZE);
    expect([...ear.hear(new Float32Array(4000)).summary]).toEqual(Array.from({ length: SUMMARY_SIZE }, () => 0));
  });

  it('cuts a clip into as many windows as it takes', () => {
    expect(windowSamples(TOY_NANO)).toBe(96);
    expect([1, 95, 96, 97, 192, 193].map((samples) => windowCount(TOY_NANO, samples))).toEqual([1, 1, 1, 2, 2, 3]);
    for (const samples of [1, 96, 97, 500]) expect(heard(toyClip('length', samples)).length).toBe(windowCount(TOY_NANO, samples) * 6 * 4);
  });

  it('fills up a short clip with itself', () => {
    const short = toyClip('short', 40);
    const round = Float32Array.from({ length: 960 }, (_, i) => short[i % 40]!);
    expect(heard(short)).toEqual(heard(round).slice(0, 24));
  });

  it('normalises: silence is (ln of the floor + 10) / 5', () => {
    for (const value of heard(new Float32Array(96))) expect(value).toBeCloseTo((Math.log(1e-9) + 10) / 5, 6);
  });

  it.each([
    ['no sample', new Float32Array(0), 'Expected a clip of at least one sample, got none'],
    ['a sample that is not a number', Float32Array.of(0, NaN, 0), 'Expected samples that are numbers, got NaN at 1'],
    ['an infinite one', Float32Array.of(0, 0, -Infinity), 'Expected samples that are numbers, got -Infinity at 2'],
  ])('refuses %s', (_name, samples, message) => {
    expect(() => heard(samples)).toThrow(message);
  });
});
