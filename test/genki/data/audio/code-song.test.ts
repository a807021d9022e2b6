import { describe, expect, it } from 'vitest';
import { clipsOfSong } from '../../../../genki/data/audio/clips-of-song.ts';
import { codeSong, type CutRule, hear, secondsOf } from '../../../../genki/data/audio/code-song.ts';
import { decodeKnownSong, encodeKnownSong, type KnownSong } from '../../../../genki/data/audio/coded-file.ts';
import { flawOf } from '../../../../genki/data/audio/flaw.ts';
import { gainOf, PEAK } from '../../../../genki/data/audio/level.ts';
import { BadSubmission } from '../../../../genki/errors.ts';
import { compose } from '../../../../genki/data/composer.ts';
import type { Audio } from '../../../../genki/music/codec.ts';
import { levelCoder } from './level-coder.ts';
import { noise, sine } from './songs.ts';

const song = (...parts: Float32Array[]): Audio => ({ channels: [Float32Array.from(parts.flatMap((part) => [...part]))], sampleRate: 8000 });
const tone = (seconds: number, amplitude: number): Float32Array => sine(8000 * seconds, { hertz: 500, sampleRate: 8000, amplitude });
const square = (seconds: number): Float32Array => tone(seconds, 2).map((x) => Math.max(-1, Math.min(1, x)));
const rule: CutRule = { frames: 30, maxSegments: 9, seed: '1' };
const code = (audio: Audio, changes: Partial<CutRule> = {}) => codeSong(audio, { coder: levelCoder(), rule: { ...rule, ...changes }, digest: 'x' });
const level = ({ codes, frames }: { codes: Uint8Array | Uint16Array; frames: number }, f: number): number => (256 * codes[f]! + codes[frames + f]!) / 65_535;

describe('a song as codes', () => {
  it('has segments as long as a clip, the only one of a short song shorter', async () => {
    const { segments } = await code(song(tone(9, 0.1)));
    expect(segments.map(({ beginSeconds, frames, codes }) => [beginSeconds, frames, codes.length])).toEqual([[0, 30, 60], [3, 30, 60], [6, 30, 60]]);
    const short = await code(song(tone(1.25, 0.1)));
    expect(short.segments.map(({ frames }) => frames)).toEqual([13]);
  });

  it('has one level for the whole song, whatever its own, and no peak above it', async () => {
    const gains = await Promise.all([0.01, 0.1, 0.7].map(async (amplitude) => {
      const { segments } = await code(song(tone(3, amplitude), tone(3, amplitude / 2)));
      const [loud, quiet] = segments;
      expect(level(quiet!, 10) / level(loud!, 10)).toBeCloseTo(0.5, 2);
      return level(loud!, 10);
    }));
    for (const gain of gains) expect(gain).toBeCloseTo(gains[0]!, 2);
    const click = tone(3, 0.01);
    click[4000] = 0.5;
    const peaks = (await code(song(click))).segments.map((segment) => level(segment, 5));
    expect(peaks).toEqual([expect.closeTo(PEAK, 3)]);
  });

  it('has the level of stretches of it where it is long', () => {
    const audio = (seconds: number): Audio => ({ channels: [tone(seconds, 0.02)], sampleRate: 8000 });
    expect(gainOf(audio(700)) / gainOf(audio(60))).toBeCloseTo(1, 3);
    const quieter = audio(700);
    quieter.channels[0]!.fill(0, 8000 * 350);
    expect(gainOf(quieter) / gainOf(audio(60))).toBeCloseTo(1, 2);
  });

  it('is without silence and what clips, and counts them', async () => {
    const { segments, flaws } = await code(song(tone(3, 0.2), new Float32Array(24_000), square(3), noise(24_000, 'faint', 1e-4), tone(3, 0.2)));
    expect([segments.map(({ beginSeconds }) => beginSeconds), flaws]).toEqual([[0, 12], { silence: 2, clipping: 1, unplayable: 0 }]);
  });

  it('is cut the same for the same seed and song, and otherwise for another', async () => {
    const long = song(tone(40, 0.2));
    const begins = async (changes: Partial<CutRule>): Promise<number[]> => (await code(long, { maxSegments: 3, ...changes })).segments.map(({ beginSeconds }) => beginSeconds);
    expect(await begins({})).toEqual(await begins({}));
    expect(await begins({ seed: '2' })).not.toEqual(await begins({}));
  });

  it('stops when it is asked to', async () => {
    const stop = new AbortController();
    const coding = codeSong(song(tone(9, 0.2)), { coder: levelCoder(), rule, digest: 'x', signal: stop.signal, coded: () => stop.abort(new Error('enough')) });
    await expect(coding).rejects.toThrow('enough');
  });
});

describe('a segment', () => {
  const flaw = (samples: Float32Array): string | undefined => flawOf({ channels: [samples], sampleRate: 8000 });

  it('clips when more than one sample in a thousand lies in runs at full scale', () => {
    const flat = (runs: number, length: number): Float32Array => {
      const samples = tone(1, 0.5);
      for (let run = 0; run < runs; run++) samples.fill(1, run * 100, run * 100 + length);
      return samples;
    };
    // of 8,000 samples: 3 · 3 = 9 and 2 · 3 = 6; runs of two are peaks
    expect([flaw(flat(3, 3)), flaw(flat(2, 3)), flaw(flat(80, 2))]).toEqual(['clipping', undefined, undefined]);
    expect(flawOf({ channels: [tone(1, 0.5), flat(3, 3).map((x) => -x)], sampleRate: 8000 })).toBe('clipping');
  });

  it('is silent when most of it is nothing, or all of it is next to nothing', () => {
    const gap = (share: number): Float32Array => tone(1, 0.5).fill(0, 0, 8000 * share);
    expect([flaw(gap(0.4)), flaw(gap(0.6)), flaw(tone(1, 1e-4)), flaw(tone(1, 1e-2))]).toEqual([undefined, 'silence', 'silence', undefined]);
    expect(flawOf({ channels: [gap(0.4), gap(1)], sampleRate: 8000 })).toBeUndefined();
  });
});

describe('a known song', () => {
  it('comes back from its file, with codes of 8 and of 16 bits and without any', async () => {
    const audio = song(tone(9, 0.1));
    const wide = await code(audio);
    const narrow = { ...wide, segments: wide.segments.map((segment) => ({ ...segment, codes: Uint8Array.from(segment.codes) })) };
    for (const coded of [wide, narrow, { ...wide, segments: [] }]) {
      const known: KnownSong = { heard: { ...hear(audio), bpm: 99, key: 'A minor' }, song: coded, tags: { title: 'x', genres: ['y'] }, notes: ['torn'] };
      expect(decodeKnownSong(encodeKnownSong(known), { numCodebooks: 2 })).toEqual(known);
    }
    expect(secondsOf(audio)).toBe(9);
  });

  it('is refused when a byte is another, or it ends early', async () => {
    const file = encodeKnownSong({ heard: hear(song(tone(1, 0.1))), song: await code(song(tone(1, 0.1))), tags: {}, notes: [] });
    const last = file.slice();
    last[last.length - 1]! ^= 1;
    for (const bad of [last, file.slice(0, -1), new Uint8Array(9)]) expect(() => decodeKnownSong(bad, { numCodebooks: 2 })).toThrow(BadSubmission);
    expect(() => decodeKnownSong(file, { numCodebooks: 4 })).toThrow('Expected 40 codes of 1 segments, got 20');
  });
});

describe('clips of a song', () => {
  const { codes, frames } = compose({ style: 'town', seed: 'clips' });

  it('are told in text, each in another order', () => {
    const segments = Array.from({ length: 8 }, () => ({ beginSeconds: 0, frames, codes }));
    const { clips, isCut } = clipsOfSong(segments, { title: 'Keep', genres: ['Folk Rock'], bpm: 120, key: 'A minor', moods: ['dark'] }, { coder: { numCodebooks: 4, captions: 'text' }, seed: '1' });
    expect(new Set(clips.map(({ caption }) => caption)).size).toBeGreaterThan(3);
    expect([isCut, new Set(clips.map(({ style }) => style))]).toEqual([false, new Set(['folk-rock'])]);
  });

  it('are told in the words that the sound chip\'s model knows', () => {
    const { clips, unknownWords } = clipsOfSong([{ beginSeconds: 0, frames, codes }], { title: 'calm castle', bpm: 120, key: 'D minor' }, { coder: { numCodebooks: 4, captions: 'words' }, seed: '1' });
    expect(clips[0]!.caption).toMatch(/^calm minor steady (low|middle|high) (square|thin)( drums)?$/);
    expect([clips[0]!.style, unknownWords]).toEqual(['imported', ['castle']]);
  });
});
