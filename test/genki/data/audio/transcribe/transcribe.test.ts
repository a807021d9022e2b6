import { describe, expect, it } from 'vitest';
import { compose } from '../../../../../genki/data/composer.ts';
import { MIN_CONFIDENCE, transcribe, type Transcription } from '../../../../../genki/data/audio/transcribe/transcribe.ts';
import { decodeNotes, encodeNotes, FRAME_RATE, type NoteEvent } from '../../../../../genki/music/apu/codes.ts';
import { renderCodes, SAMPLE_RATE } from '../../../../../genki/music/apu/synthesizer.ts';
import { resample } from '../../../../../genki/evaluation/clap/resample.ts';
import { f1, isSameNote, scoreOf, sumOf } from './note-score.ts';
import { babble, hertzOf, pinkNoise, sine, whiteNoise } from './sounds.ts';

const FRAMES = 24;
const FEW = 12;
const SECONDS = FRAMES / FRAME_RATE;
const heard = (sound: Float32Array, frames = FRAMES): Transcription => transcribe({ channels: [sound], sampleRate: SAMPLE_RATE }, { frames, frameRate: FRAME_RATE });
const notesOf = ({ codes }: Transcription): NoteEvent[] => decodeNotes(codes, FRAMES);
const pitched = (notes: readonly NoteEvent[]): NoteEvent[] => notes.filter(({ channel }) => channel !== 'noise');

/** The beginning of a piece, as sound and as notes. */
function begun(style: string, seed: string): { readonly sound: Float32Array; readonly notes: NoteEvent[] } {
  const { codes, frames } = compose({ style, seed });
  const cut = Uint8Array.from({ length: 4 * FRAMES }, (_, i) => codes[Math.floor(i / FRAMES) * frames + (i % FRAMES)]!);
  return { sound: renderCodes(cut), notes: decodeNotes(cut, FRAMES) };
}

// a bar in A minor: melody, chord tones under it, bass, and what drums there are in it
const TUNE = encodeNotes(
  [
    { channel: 'pulse1', at: 0, frames: 3, midi: 76, duty: 1 },
    { channel: 'pulse1', at: 3, frames: 3, midi: 72, duty: 1 },
    { channel: 'pulse1', at: 6, frames: 6, midi: 81, duty: 1 },
    { channel: 'pulse1', at: 14, frames: 4, midi: 79, duty: 1 },
    { channel: 'pulse1', at: 18, frames: 6, midi: 74, duty: 1 },
    { channel: 'pulse2', at: 0, frames: 6, midi: 57, duty: 0 },
    { channel: 'pulse2', at: 6, frames: 6, midi: 64, duty: 0 },
    { channel: 'pulse2', at: 12, frames: 12, midi: 59, duty: 0 },
    { channel: 'triangle', at: 0, frames: 6, midi: 45 },
    { channel: 'triangle', at: 6, frames: 6, midi: 40 },
    { channel: 'triangle', at: 14, frames: 10, midi: 43 },
    { channel: 'noise', at: 12, frames: 1, drum: 'snare', volume: 3 },
  ],
  FRAMES,
);

describe('a transcription', () => {
  it('has the notes that the chip played, each with its channel, frames and duty, and the drum', () => {
    const transcription = heard(renderCodes(TUNE));
    const notes = notesOf(transcription);
    expect(pitched(notes)).toEqual(pitched(decodeNotes(TUNE, FRAMES)));
    // faint ones beside it are heard in the edges of notes
    expect(notes).toContainEqual({ channel: 'noise', at: 12, frames: 1, drum: 'snare', volume: 3 });
    expect(transcription.confidence).toBeGreaterThan(0.95);
  });

  it('is the same at another sample rate, of two channels, and of a clip that goes on', () => {
    const sound = renderCodes(TUNE);
    const other = resample(sound, SAMPLE_RATE, 44_100);
    const { codes } = transcribe({ channels: [other.map((x) => 1.5 * x), other.map((x) => 0.5 * x)], sampleRate: 44_100 }, { frames: FRAMES, frameRate: FRAME_RATE });
    expect(codes).toEqual(heard(sound).codes);
    expect(heard(renderCodes(TUNE), FRAMES / 2).codes.subarray(0, FRAMES / 2 - 2)).toEqual(TUNE.subarray(0, FRAMES / 2 - 2));
  });

  it('rests in silence, and where a sound has ended', () => {
    expect(heard(new Float32Array(Math.round(SECONDS * SAMPLE_RATE)))).toEqual({ codes: new Uint8Array(4 * FRAMES), confidence: 0 });
    const { codes } = heard(renderCodes(TUNE).subarray(0, SAMPLE_RATE));
    for (let channel = 0; channel < 4; channel++) expect(codes.subarray(channel * FRAMES + 14, (channel + 1) * FRAMES).every((code) => code <= 1)).toBe(true);
  });

  it.each([36, 50, 61, 83])('holds the note of a sine: %i', (midi) => {
    expect(decodeNotes(heard(sine(hertzOf(midi), SECONDS), FEW).codes, FEW)).toEqual([{ channel: 'triangle', at: 0, frames: FEW, midi }]);
  });

  it.each(['a', 'b', 'c', 'd'])('has no pitches in white noise: %s', (seed) => {
    expect(pitched(decodeNotes(heard(whiteNoise({ seconds: SECONDS, seed }), FEW).codes, FEW))).toEqual([]);
  });

  it.each([['white noise', whiteNoise], ['pink noise', pinkNoise], ['babble', babble]] as const)('has not the confidence for %s', (_, make) => {
    expect(heard(make({ seconds: SECONDS, seed: 'a' })).confidence).toBeLessThan(MIN_CONFIDENCE);
  });

  it.each(['town', 'swing'])('is the same 12 dB louder and softer: %s', (style) => {
    const { sound } = begun(style, 'level');
    const { codes } = heard(sound, FEW);
    for (const gain of [10 ** (12 / 20), 10 ** (-12 / 20)]) expect(heard(sound.map((x) => gain * x), FEW).codes).toEqual(codes);
  });

  it('finds most notes of the composer\'s pieces, and few others', () => {
    const pieces = ['town', 'battle', 'swing'].map((style) => begun(style, 'score'));
    const transcriptions = pieces.map(({ sound }) => heard(sound));
    expect(f1(sumOf(pieces.map(({ notes }, i) => scoreOf(pitched(notes), pitched(notesOf(transcriptions[i]!)), isSameNote))))).toBeGreaterThan(0.85);
    expect(f1(sumOf(pieces.map(({ notes }, i) => scoreOf(notes.filter(({ channel }) => channel === 'noise'), notesOf(transcriptions[i]!).filter(({ channel }) => channel === 'noise'), () => true))))).toBeGreaterThan(0.8);
    for (const { confidence } of transcriptions) expect(confidence).toBeGreaterThan(MIN_CONFIDENCE);
  });

  it('refuses sound of no channels', () => {
    expect(() => transcribe({ channels: [], sampleRate: SAMPLE_RATE }, { frames: 1, frameRate: FRAME_RATE })).toThrow(RangeError);
  });
});
