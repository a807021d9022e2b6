import { describe, expect, it } from 'vitest';
import { compose } from '../../../../genki/data/composer.ts';
import { STYLE_NAMES } from '../../../../genki/data/styles/style.ts';
import { InvalidInput } from '../../../../genki/errors.ts';
import { encodeNotes, type NoteEvent } from '../../../../genki/music/apu/codes.ts';
import { DRUMS } from '../../../../genki/music/apu/drums.ts';
import { renderCodes, SAMPLE_RATE } from '../../../../genki/music/apu/synthesizer.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const render = (notes: readonly NoteEvent[], frames: number): Float32Array => renderCodes(encodeNotes(notes, frames));
const peak = (x: Float32Array): number => x.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
const mean = (x: Float32Array): number => x.reduce((sum, v) => sum + v, 0) / x.length;
const rms = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);
const sampleOf = (frame: number): number => Math.round((frame * SAMPLE_RATE) / 12);

/** Power at a frequency (Goertzel). */
function powerAt(x: Float32Array, hz: number): number {
  let [re, im] = [0, 0];
  x.forEach((v, i) => {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / x.length);
    re += v * window * Math.cos((2 * Math.PI * hz * i) / SAMPLE_RATE);
    im += v * window * Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE);
  });
  return (re * re + im * im) / x.length ** 2;
}

function jump(x: Float32Array, from: number, to: number): number {
  let max = 0;
  for (let i = Math.max(1, from); i < to; i++) max = Math.max(max, Math.abs(x[i]! - x[i - 1]!));
  return max;
}

describe('the synthesizer', () => {
  it('renders 128 frames as 10.67 s, the same for the same codes', () => {
    const { codes } = compose({ style: 'town', seed: '1' });
    const audio = renderCodes(codes);
    expect(audio).toHaveLength(341_333);
    expect(renderCodes(codes)).toEqual(audio);
  });

  it('renders rests and holds of nothing as silence', () => {
    expect(peak(renderCodes(new Uint8Array(4 * 16)))).toBe(0);
    expect(peak(renderCodes(new Uint8Array(4 * 16).fill(1)))).toBe(0);
  });

  it.each(STYLE_NAMES)('plays %s below .9, without a constant part, and loud enough', (style) => {
    const audio = renderCodes(compose({ style, seed: 'level' }).codes);
    expect(peak(audio)).toBeLessThan(0.9);
    expect(Math.abs(mean(audio))).toBeLessThan(1e-3);
    expect(rms(audio)).toBeGreaterThan(0.05);
  });

  it('never clips, whatever a model samples', () => {
    const random = new Random('any codes');
    for (let i = 0; i < 4; i++) {
      const audio = renderCodes(Uint8Array.from({ length: 4 * 128 }, () => random.int(64)));
      expect(audio.every(Number.isFinite)).toBe(true);
      expect(peak(audio)).toBeLessThan(0.9);
    }
  });

  it.each([57, 69, 80])('plays note %i at its pitch', (midi) => {
    const hz = 440 * 2 ** ((midi - 69) / 12);
    const audio = render([{ channel: 'pulse1', at: 0, frames: 4, midi, duty: 0 }], 4);
    for (const detuned of [hz * 2 ** (-1 / 12), hz * 2 ** (1 / 12)]) expect(powerAt(audio, hz)).toBeGreaterThan(20 * powerAt(audio, detuned));
  });

  it('gives the square only odd harmonics and the narrow pulse even ones too', () => {
    const second = (duty: 0 | 1): number => {
      const audio = render([{ channel: 'pulse2', at: 0, frames: 4, midi: 57, duty }], 4);
      return powerAt(audio, 440) / powerAt(audio, 220);
    };
    expect(second(0)).toBeLessThan(1e-4);
    expect(second(1)).toBeGreaterThan(0.2);
  });

  it('keeps what folds back below 8 kHz 45 dB under the highest note', () => {
    const hz = 440 * 2 ** (18 / 12);
    const audio = render([{ channel: 'pulse1', at: 0, frames: 4, midi: 87, duty: 1 }], 4);
    const aliases = Array.from({ length: 12 }, (_, i) => Math.abs(SAMPLE_RATE - (20 + i) * hz)).filter((alias) => alias < 8000);
    expect(aliases).toHaveLength(12);
    for (const alias of aliases) expect(10 * Math.log10(powerAt(audio, alias) / powerAt(audio, hz))).toBeLessThan(-45);
  });

  it('does not click where notes meet: no step is higher than inside the notes', () => {
    const notes: NoteEvent[] = [40, 52, 47, 59, 45].map((midi, i) => ({ channel: 'triangle', at: 2 * i, frames: 2, midi }));
    const audio = render(notes, 14);
    const inside = Math.max(...notes.map(({ at }) => jump(audio, sampleOf(at) + 400, sampleOf(at + 2) - 10)));
    const meeting = Math.max(...[...notes.map(({ at }) => at), 10].map((at) => jump(audio, sampleOf(at) - 10, sampleOf(at) + 200)));
    expect(meeting).toBeLessThan(1.25 * inside);
  });

  it('sounds on through a hold without a break, and decays', () => {
    const audio = render([{ channel: 'pulse1', at: 0, frames: 6, midi: 69, duty: 0 }], 6);
    const levels = Array.from({ length: 5 }, (_, f) => rms(audio.subarray(sampleOf(f) + 200, sampleOf(f + 1))));
    for (let f = 1; f < levels.length; f++) expect(levels[f]!).toBeLessThan(levels[f - 1]!);
    expect(levels.at(-1)!).toBeGreaterThan(0.3 * levels[0]!);
  });

  it('falls silent within 20 ms of a rest', () => {
    const audio = render([{ channel: 'pulse1', at: 0, frames: 2, midi: 69, duty: 0 }], 4);
    // the 20 Hz filter that takes the constant part away rings a little
    expect(peak(audio.subarray(sampleOf(2) + 640))).toBeLessThan(0.01);
  });

  it('strikes every drum, louder with its volume, each in its own way', () => {
    const hit = (drum: (typeof DRUMS)[number], volume: 0 | 1): Float32Array => render([{ channel: 'noise', at: 0, frames: 4, drum, volume }], 4);
    const sounds = DRUMS.map((drum) => hit(drum, 1));
    sounds.forEach((sound, i) => expect(rms(sound)).toBeGreaterThan(rms(hit(DRUMS[i]!, 0))));
    expect(new Set(sounds.map((sound) => rms(sound))).size).toBe(DRUMS.length);
  });

  it('plays at another frame rate', () => {
    expect(renderCodes(new Uint8Array(4 * 50), { frameRate: 50 })).toHaveLength(SAMPLE_RATE);
  });

  it('refuses codes that are none', () => {
    expect(() => renderCodes(Uint8Array.from({ length: 8 }, () => 200))).toThrow(new InvalidInput('Expected a code of 0 to 63 in channel pulse1 at frame 0, got 200'));
    expect(() => renderCodes(new Uint8Array(7))).toThrow('Expected codes of 4 channels, got 7 in all');
  });
});
