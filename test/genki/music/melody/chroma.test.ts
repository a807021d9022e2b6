import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { chromaOf, loudestClasses, melodyFrom, stretchMelody } from '../../../../genki/music/melody/chroma.ts';
import { chromaFilters, chromagram } from '../../../../genki/music/melody/chromagram.ts';
import { expectClose, golden, goldenJson, goldens } from '../support/goldens.ts';

type Case = { samples: number; rate: number; root: number; bins: number; n_fft: number; hop: number };
const CASES = goldenJson('melody/chroma.json') as Case[];
const CHROMA = goldens('melody/chroma.safetensors');

/** The sound of `make_melody_goldens.py`. */
function sound({ samples, rate, root }: Case): Float32Array {
  return Float32Array.from({ length: samples }, (_, n) => {
    const [t, note] = [n / rate, Math.floor((3 * n) / samples)];
    const pitch = root * 2 ** ((note * 5 + 0.2 * t) / 12);
    return 0.4 * Math.sin(2 * Math.PI * pitch * t) + 0.1 * Math.sin(2 * Math.PI * 1.49 * root * t) + 0.05 * Math.sin(12345.678 * n ** 2);
  });
}

/** Each frame's values by its largest. */
function byLargest(energy: Float64Array, bins: number): Float64Array {
  return energy.map((value, i) => value / Math.max(...energy.subarray(i - (i % bins), i - (i % bins) + bins)));
}

const sine = (hz: number, seconds: number, sampleRate = 32_000): Float32Array => Float32Array.from({ length: seconds * sampleRate }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hz * n) / sampleRate));
const classesOf = (melody: Float32Array, bins: number): number[] => Array.from({ length: melody.length / bins }, (_, frame) => melody.subarray(frame * bins, (frame + 1) * bins).indexOf(1));

describe('chromagram', () => {
  it.each(CASES.map((of, n) => ({ of, n })))("has the energies and the loudest classes of MusicgenMelodyFeatureExtractor: $of.bins classes, $of.samples samples, frames of $of.n_fft", ({ of, n }) => {
    const energy = chromagram(sound(of), { sampleRate: of.rate, bins: of.bins, size: of.n_fft, hop: of.hop });
    expectClose(byLargest(energy, of.bins), golden(CHROMA, `${n}.energy`).data, 1e-5, 'energies');
    expect([...loudestClasses(energy, of.bins)]).toEqual([...golden(CHROMA, `${n}.onehot`).data]);
  });

  it('weighs every frequency alike over the classes, but for its octave', () => {
    const filters = chromaFilters({ sampleRate: 32_000, bins: 12, size: 1024 });
    const lengths = Array.from({ length: 513 }, (_, k) => Math.hypot(...filters.map((filter) => filter[k]!)));
    expect(lengths.every((length) => length > 0 && length <= 1 + 1e-12)).toBe(true);
    expect(lengths.indexOf(Math.max(...lengths))).toBe(28); // 875 Hz; five octaves above A0 are 880
  });
});

describe('chromaOf', () => {
  const CONFIG = { bins: 12, length: 20 };
  it.each([['C', 261.63, 0], ['E', 659.26, 4], ['A', 440, 9], ['B', 123.47, 11]])('hears a sine of %s', (_, hz, expected) => {
    const melody = chromaOf({ channels: [sine(hz, 1)], sampleRate: 32_000 }, CONFIG);
    expect(melody.length).toBe(240);
    expect(new Set(classesOf(melody, 12))).toEqual(new Set([expected]));
  });

  it('hears both channels, at any rate, and silence as the first class', () => {
    const [quiet, loud] = [new Float32Array(44_100), sine(440, 1, 44_100)];
    expect(classesOf(chromaOf({ channels: [quiet, loud], sampleRate: 44_100 }, CONFIG), 12)).toEqual(Array.from({ length: 20 }, () => 9));
    expect(classesOf(chromaOf({ channels: [quiet], sampleRate: 44_100 }, CONFIG), 12)).toEqual(Array.from({ length: 20 }, () => 0));
  });

  it('does not hear what lies behind 30 s, 235 frames', () => {
    const long = sine(440, 40, 4_000);
    long.set(sine(262, 2, 4_000));
    const classes = classesOf(chromaOf({ channels: [long], sampleRate: 4_000 }, { bins: 12, length: 240 }), 12);
    expect(classes.slice(30)).toEqual([...Array.from({ length: 205 }, () => 9), 0, 0, 0, 0, 0]);
  });

  it('refuses no sound, and one that is not finite', () => {
    expect(() => chromaOf({ channels: [new Float32Array(0)], sampleRate: 32_000 }, CONFIG)).toThrow(new InvalidInput('Expected 1 sample or more, got none'));
    expect(() => chromaOf({ channels: [Float32Array.of(0, NaN)], sampleRate: 32_000 }, CONFIG)).toThrow(InvalidInput);
    expect(() => chromaOf({ channels: [], sampleRate: 32_000 }, CONFIG)).toThrow(InvalidInput);
  });
});

describe('melodyFrom', () => {
  it('begins at a moment, and goes round', () => {
    const song = sine(440, 4, 4_000);
    song.set(sine(262, 2, 4_000));
    const melody = melodyFrom({ channels: [song], sampleRate: 4_000 }, { bins: 12, length: 30 });
    expect(melody(0)).toEqual(chromaOf({ channels: [song], sampleRate: 4_000 }, { bins: 12, length: 30 }));
    const classes = classesOf(melody(14), 12); // 2 s into its fourth time: A for two seconds, C for two
    expect([...classes.slice(1, 14), ...classes.slice(18, 29)]).toEqual([...Array.from({ length: 13 }, () => 9), ...Array.from({ length: 11 }, () => 0)]);
    expect(() => melodyFrom({ channels: [new Float32Array(0)], sampleRate: 4_000 }, { bins: 12, length: 30 })(1)).toThrow(InvalidInput);
  });
});

describe('stretchMelody', () => {
  it('begins anew what is short and cuts what is long', () => {
    const frames = Float32Array.of(1, 2, 3, 4);
    expect([...stretchMelody(frames, { bins: 2, length: 3 })]).toEqual([1, 2, 3, 4, 1, 2]);
    expect([...stretchMelody(frames, { bins: 2, length: 1 })]).toEqual([1, 2]);
  });
});
