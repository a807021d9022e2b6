import { describe, expect, it } from 'vitest';
import { NoiseRegister } from '../../../../genki/music/apu/noise-register.ts';

const CLOCK_HZ = 1_789_773;

/** One sample a step: the bits themselves, heard as ±1. */
function steps(count: number, short: boolean): number[] {
  const register = new NoiseRegister(CLOCK_HZ / 4);
  register.tune(4, short);
  return Array.from({ length: count }, () => Math.round(register.sample()));
}

/** The smallest shift after which the sequence repeats itself. */
function period(bits: readonly number[]): number {
  for (let shift = 1; shift < bits.length / 2; shift++) if (bits.every((bit, i) => i + shift >= bits.length || bit === bits[i + shift])) return shift;
  return Infinity;
}

describe('the noise register', () => {
  it('begins as the chip does: a one, 14 zeros, a one', () => {
    expect(steps(16, false)).toEqual([-1, ...Array.from({ length: 14 }, () => 1), -1]);
  });

  it('repeats after 32767 steps in the long loop, 16384 of them low', () => {
    const bits = steps(2 * 32_767, false);
    expect(period(bits)).toBe(Infinity);
    expect(bits.slice(0, 32_767)).toEqual(bits.slice(32_767));
    expect(bits.slice(0, 32_767).filter((bit) => bit === -1)).toHaveLength(16_384);
  });

  it('repeats after 93 steps in the short loop', () => {
    expect(period(steps(400, true))).toBe(93);
  });

  it('gives the mean of the steps that fall into a sample', () => {
    const slow = new NoiseRegister(CLOCK_HZ / 32);
    slow.tune(4, false);
    const fine = steps(8 * 50, false);
    for (let i = 0; i < 50; i++) expect(slow.sample()).toBeCloseTo(fine.slice(8 * i, 8 * i + 8).reduce((a, b) => a + b) / 8, 9);
  });
});
