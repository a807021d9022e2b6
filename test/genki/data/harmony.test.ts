import { describe, expect, it } from 'vitest';
import { chordStep, folded, MODES, nearestChordStep, placed, semitones } from '../../../genki/data/harmony.ts';

describe('scales and chords', () => {
  it('count degrees over octaves, upwards and downwards', () => {
    expect([0, 1, 6, 7, 9, -1, -7].map((degree) => semitones('major', degree))).toEqual([0, 2, 11, 12, 16, -1, -12]);
    expect([2, -1].map((degree) => semitones('harmonic', degree))).toEqual([3, -1]);
  });

  it.each(Object.entries(MODES))('have seven rising notes within an octave: %s', (_, steps) => {
    expect(steps).toHaveLength(7);
    expect([...steps].sort((a, b) => a - b)).toEqual(steps);
    expect(new Set(steps).size).toBe(7);
    expect(steps.at(-1)).toBeLessThan(12);
  });

  it('put A minor’s chord on F where it is asked for', () => {
    const key = { tonic: 9, mode: 'minor' } as const;
    expect([5, 7, 9].map((degree) => placed(key, { root: 5, degree, lowest: 60 }))).toEqual([65, 69, 72]);
    expect(placed(key, { root: 5, degree: 4, lowest: 60 })).toBe(64);
    expect(placed(key, { root: 5, degree: 5, lowest: 66 })).toBe(77);
  });

  it('snap to the nearest note of the chord, the lower of two', () => {
    expect([-1, 0, 1, 2, 3, 5, 6, 8].map((step) => nearestChordStep([0, 2, 4], step))).toEqual([0, 0, 0, 2, 2, 4, 7, 7]);
  });

  it('count a chord’s notes upwards', () => {
    expect([-1, 0, 1, 2, 3, 4].map((n) => chordStep([0, 2, 4], n))).toEqual([-3, 0, 2, 4, 7, 9]);
  });

  it('fold by octaves into a range', () => {
    expect([44, 45, 75, 76, 100, 20].map((midi) => folded(midi, { lowest: 45, highest: 75 }))).toEqual([56, 45, 75, 64, 64, 56]);
  });
});
