import { describe, expect, it } from 'vitest';
import { PITCH_CLASSES, PitchProfile, PROFILE_SIZE } from '../../../../genki/evaluation/clap/pitch-profile.ts';

const RATE = 8000;
const profile = new PitchProfile(RATE);
const notes = (...midis: number[]): Float32Array =>
  Float32Array.from({ length: RATE }, (_, i) => midis.reduce((sum, midi) => sum + 0.2 * Math.sin((2 * Math.PI * 440 * 2 ** ((midi - 69) / 12) * i) / RATE), 0));
const loudest = (shares: Float32Array, count: number): number[] =>
  [...shares.keys()].sort((a, b) => shares[b]! - shares[a]!).slice(0, count).sort((a, b) => a - b);

describe('PitchProfile', () => {
  it('finds the bass and the melody of a sound', () => {
    const of = profile.of(notes(48, 64, 67, 72)); // C3 below, C major above
    expect(loudest(of.slice(0, PITCH_CLASSES), 1)).toEqual([0]);
    expect(loudest(of.slice(PITCH_CLASSES), 3)).toEqual([0, 4, 7]);
  });

  it.each([60, 65, 71, 76, 83])('knows note %i in the melody by its pitch class alone', (midi) => {
    const melody = profile.of(notes(midi)).slice(PITCH_CLASSES);
    expect(loudest(melody, 1)).toEqual([midi % 12]);
    expect(melody[midi % 12]).toBeGreaterThan(4);
  });

  it('moves with the key', () => {
    const [c, d] = [profile.of(notes(64, 67, 72)), profile.of(notes(66, 69, 74))];
    for (let i = 0; i < PITCH_CLASSES; i++) expect(Math.abs(d[PITCH_CLASSES + ((i + 2) % 12)]! - c[PITCH_CLASSES + i]!)).toBeLessThan(0.5);
  });

  it('adds up to nothing in each register, and is nothing in silence', () => {
    const of = profile.of(notes(40, 69));
    for (const register of [of.slice(0, 12), of.slice(12)]) expect(register.reduce((sum, x) => sum + x, 0)).toBeCloseTo(0, 5);
    expect([...profile.of(new Float32Array(1))]).toEqual(Array.from({ length: PROFILE_SIZE }, () => 0));
  });
});
