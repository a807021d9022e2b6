import { describe, expect, it } from 'vitest';
import { analysed } from '../../../../genki/data/audio/analysed.ts';
import { tempoOf } from '../../../../genki/data/audio/tempo.ts';
import { noise, played, sine } from './songs.ts';

/** So many seconds of short clicks, at 8 kHz. */
const clicks = (bpm: number, seconds: number): Float32Array => {
  const samples = new Float32Array(8000 * seconds);
  for (let at = 0; at < samples.length; at += (60 * 8000) / bpm) samples.set(noise(200, `click/${bpm}`, 0.5), Math.min(Math.round(at), samples.length - 200));
  return samples;
};

describe('tempoOf', () => {
  it.each([70, 92, 100, 120, 128, 140, 155])('counts clicks at %i a minute', (bpm) => {
    expect(Math.abs(tempoOf(clicks(bpm, 12))! - bpm)).toBeLessThanOrEqual(1);
  });

  it.each([['town', '1'], ['waltz', '2'], ['dungeon', '3'], ['victory', '4'], ['swing', '5'], ['ambient', '6']])('finds the beat of %s', (style, seed) => {
    const { audio, bpm } = played(style, seed);
    expect(Math.abs(tempoOf(analysed(audio))! / bpm - 1)).toBeLessThan(0.02);
  });

  it('says nothing of noise, of a tone, of silence and of a sound too short', () => {
    expect(tempoOf(noise(96_000, 'tempo'))).toBeUndefined();
    expect(tempoOf(sine(96_000, { hertz: 440, sampleRate: 8000 }))).toBeUndefined();
    expect(tempoOf(new Float32Array(96_000))).toBeUndefined();
    expect(tempoOf(clicks(120, 4))).toBeUndefined();
  });
});
