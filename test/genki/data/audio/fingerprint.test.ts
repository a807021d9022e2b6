import { describe, expect, it } from 'vitest';
import { analysed } from '../../../../genki/data/audio/analysed.ts';
import { type Fingerprint, fingerprintOf, isSameSong } from '../../../../genki/data/audio/fingerprint.ts';
import type { Audio } from '../../../../genki/music/codec.ts';
import { noise, played } from './songs.ts';

const print = (audio: Audio): Fingerprint => fingerprintOf(analysed(audio), audio.channels[0]!.length / audio.sampleRate);
const changed = ({ channels, sampleRate }: Audio, change: (samples: Float32Array) => Float32Array): Audio => ({ channels: channels.map(change), sampleRate });
const [town, waltz] = [played('town', 'print').audio, played('waltz', 'print').audio];
const own = print(town);

describe('fingerprints', () => {
  it('are 32 bits for every 64 ms of which a frame of half a second is whole', () => {
    // 85,333 samples at 8 kHz: ⌊(85,333 − 4,096) / 512⌋ + 1 = 159 frames, and one word less
    expect(own.words.length).toBe(158);
    expect(own.seconds).toBeCloseTo(10.67, 2);
  });

  it.each<[string, (samples: Float32Array) => Float32Array]>([
    ['as it is', (x) => x],
    ['12 dB quieter', (x) => x.map((sample) => sample / 4)],
    ['in noise 30 dB below', (x) => { const n = noise(x.length, 'below', 0.02); return x.map((sample, i) => sample + n[i]!); }],
    ['clipped', (x) => x.map((sample) => Math.max(-0.3, Math.min(0.3, sample)))],
    ['beginning .7 s later', (x) => { const late = new Float32Array(x.length + 22_400); late.set(x, 22_400); return late; }],
    ['without its first half second', (x) => x.slice(16_000)],
    ['without its treble', (x) => x.map((sample, i) => (sample + x[Math.max(0, i - 1)]! + x[Math.max(0, i - 2)]! + x[Math.max(0, i - 3)]!) / 4)],
    ['in 8 bits', (x) => x.map((sample) => Math.round(sample * 127) / 127)],
  ])('know a song %s', (_, change) => {
    const other = print(changed(town, change));
    expect([isSameSong(own, other), isSameSong(other, own)]).toEqual([true, true]);
  });

  it('know a song by the mean of its channels and at another rate', () => {
    const [samples] = town.channels;
    expect(isSameSong(own, print({ ...town, channels: [samples!, samples!.map((x) => x / 2)] }))).toBe(true);
    const half = samples!.filter((_, i) => i % 2 === 0);
    expect(isSameSong(own, print({ channels: [half], sampleRate: 16_000 }))).toBe(true);
  });

  it('tell songs, and noises, apart', () => {
    expect(isSameSong(own, print(waltz))).toBe(false);
    expect(isSameSong(own, print(played('town', 'another').audio))).toBe(false);
    expect(isSameSong(print(changed(town, (x) => noise(x.length, 'a'))), print(changed(town, (x) => noise(x.length, 'b'))))).toBe(false);
  });

  it('tell a song from itself with another end, or twice as long', () => {
    const ends = changed(town, (x) => Float32Array.from(x, (sample, i) => (3 * i < x.length ? sample : waltz.channels[0]![i]!)));
    expect(isSameSong(own, print(ends))).toBe(false);
    expect(isSameSong(own, print(changed(town, (x) => Float32Array.from([...x, ...x]))))).toBe(false);
  });

  it('take no two sounds of a few seconds for one', () => {
    const tone = (hertz: number): Fingerprint => print({ channels: [Float32Array.from({ length: 24_000 }, (_, i) => Math.exp(-((i % 4000) / 800)) * Math.sin((2 * Math.PI * hertz * (1 + Math.floor(i / 4000) / 4) * i) / 16_000))], sampleRate: 16_000 });
    const tones = [220, 277, 330, 415, 494, 587].map(tone);
    expect(tones.flatMap((a, i) => tones.slice(i + 1).filter((b) => isSameSong(a, b)))).toEqual([]);
  });

  it('are there of a sound as short as they come', () => {
    expect(print({ channels: [noise(10, 'short')], sampleRate: 8000 }).words.length).toBe(1);
  });
});
