import { describe, expect, it } from 'vitest';
import { analysed } from '../../../../genki/data/audio/analysed.ts';
import { soundingKey } from '../../../../genki/data/audio/key.ts';
import { nameOfKey, readKey } from '../../../../genki/data/audio/key-name.ts';
import { noise, played } from './songs.ts';

/** Chords of sines, a second each, at 8 kHz. */
function chords(of: readonly (readonly number[])[]): Float32Array {
  const samples = new Float32Array(8000 * of.length);
  of.forEach((chord, c) => {
    for (const midi of chord) for (let i = 0; i < 8000; i++) samples[c * 8000 + i]! += 0.1 * Math.sin((2 * Math.PI * 440 * 2 ** ((midi - 69) / 12) * i) / 8000);
  });
  return samples;
}
const cadence = (tonic: number, third: 3 | 4): number[][] => [[0, third, 7], [5, 5 + third, 12], [7, 11, 14], [0, third, 7, 12]].map((chord) => chord.map((note) => 48 + tonic + note));

describe('soundingKey', () => {
  it.each([0, 3, 6, 10])('hears cadences on pitch class %i', (tonic) => {
    expect(soundingKey(chords(cadence(tonic, 4)))).toEqual({ tonic, mode: 'major' });
    expect(soundingKey(chords(cadence(tonic, 3)))).toEqual({ tonic, mode: 'minor' });
  });

  it('names the key of most of the composer\'s pieces in major and minor that it names one of', () => {
    const pieces = ['town', 'battle', 'waltz', 'victory'].flatMap((style) => ['1', '2', '3'].map((seed) => played(style, `key/${seed}`))).filter(({ mode }) => mode === 'major' || mode === 'minor');
    const named = pieces.flatMap(({ audio, tonic, mode }) => {
      const key = soundingKey(analysed(audio));
      return key === undefined ? [] : [key.tonic === tonic && key.mode === mode];
    });
    expect(named.length).toBeGreaterThan(pieces.length / 3);
    expect(named.filter((right) => right).length / named.length).toBeGreaterThan(0.7);
  });

  it('names none of noise, of silence and of all notes at once', () => {
    expect(soundingKey(noise(32_000, 'key'))).toBeUndefined();
    expect(soundingKey(new Float32Array(32_000))).toBeUndefined();
    expect(soundingKey(chords([Array.from({ length: 12 }, (_, n) => 48 + n)]))).toBeUndefined();
  });
});

describe('names of keys', () => {
  it.each([['Am', 'A minor'], ['C', 'C major'], ['F#m', 'F# minor'], ['bb', 'Bb major'], ['E♭ min', 'Eb minor'], ['GM', 'G major'], ['d minor', 'D minor'], ['A Major', 'A major'], ['8A', '8A'], ['Phrygian', 'Phrygian']])('reads %s', (text, name) => {
    expect(readKey(text)).toBe(name);
  });

  it('writes what it reads', () => {
    for (let tonic = 0; tonic < 12; tonic++) for (const mode of ['major', 'minor'] as const) expect(readKey(nameOfKey({ tonic, mode }))).toBe(nameOfKey({ tonic, mode }));
  });
});
