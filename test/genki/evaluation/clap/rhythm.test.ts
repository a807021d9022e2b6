import { describe, expect, it } from 'vitest';
import { LAGS, rhythmOf, RHYTHM_SIZE } from '../../../../genki/evaluation/clap/rhythm.ts';
import { Random } from '../../../../genki/protocol/random.ts';

/** Four bands of which each becomes 1 louder in the frames that are named for it. */
const beats = (frames: number, every: readonly number[]): Float32Array =>
  Float32Array.from({ length: frames * 4 }, (_, i) => (Math.floor(i / 4) % every[i % 4]! === 1 ? 1 : 0));

describe('rhythmOf', () => {
  it('is worked by hand for three beats in nine frames', () => {
    // onsets in frames 1, 4, 7: 2/3 there and -1/3 elsewhere; energy 3 · 4/9 + 6 · 1/9 = 2
    const rhythm = rhythmOf(beats(9, [3, 3, 3, 3]), 4);
    // lag 3: two pairs of beats 8/9, four of rests 4/9; lag 1: six pairs with a beat -12/9, two without 2/9
    expect(rhythm[2]).toBeCloseTo(12 / 9 / 2, 6);
    expect(rhythm[0]).toBeCloseTo(-10 / 9 / 2, 6);
    expect([...rhythm.slice(8, LAGS)].every((r) => r === 0)).toBe(true);
  });

  it('peaks at the beat of each part of the spectrum, and at its double', () => {
    const every = [5, 7, 11, 16];
    const rhythm = rhythmOf(beats(600, every), 4);
    every.forEach((beat, part) => {
      const own = [...rhythm.slice(part * LAGS, (part + 1) * LAGS)];
      const highest = own.indexOf(Math.max(...own)) + 1;
      expect(highest).toBe(beat);
      expect(own[2 * beat - 1]).toBeGreaterThan(0.9);
      expect(own[beat]).toBeLessThan(0.1);
    });
  });

  it.each([1, 2, 20, 340])('stays within -1 and 1, %i frames of noise', (frames) => {
    const random = new Random(`rhythm/${frames}`);
    const rhythm = rhythmOf(Float32Array.from({ length: frames * 8 }, () => 3 * random.normal()), 8);
    expect(rhythm.length).toBe(RHYTHM_SIZE);
    for (const r of rhythm) expect(Math.abs(r)).toBeLessThanOrEqual(1);
  });

  it('hears no rhythm where nothing begins', () => {
    expect([...rhythmOf(new Float32Array(400).fill(-5), 4)]).toEqual(Array.from({ length: RHYTHM_SIZE }, () => 0));
  });
});
