import { describe, expect, it } from 'vitest';
import type { Audio } from '../../../genki/music/codec.ts';
import { integratedLoudness, normalizeLoudness } from '../../../genki/music/loudness.ts';
import { Random } from '../../../genki/protocol/random.ts';

const gain = (db: number): number => 10 ** (db / 20);
const sine = (hz: number, db: number, { rate, seconds }: { rate: number; seconds: number }): Float32Array =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => gain(db) * Math.sin((2 * Math.PI * hz * i) / rate));
const join = (...parts: Float32Array[]): Float32Array => Float32Array.from(parts.flatMap((part) => [...part]));
const tone = (db: number, seconds = 1): Float32Array => sine(1000, db, { rate: 16_000, seconds });
const mono = (samples: Float32Array, sampleRate = 16_000): Audio => ({ channels: [samples], sampleRate });
const highest = ({ channels }: Audio): number => Math.max(...channels.flatMap((samples) => [...samples].map(Math.abs)));

describe('integratedLoudness', () => {
  it.each([32_000, 44_100, 48_000])('is that of EBU Tech 3341, case 1, at %i Hz: a stereo tone of 1 kHz at -23 dBFS is -23 LUFS', (rate) => {
    const channel = sine(1000, -23, { rate, seconds: 2 });
    expect(Math.abs(integratedLoudness({ channels: [channel, channel], sampleRate: rate }) + 23)).toBeLessThan(0.1);
  });

  it('adds up channels: one of the two is 10 log10(2) quieter', () => {
    const channel = tone(-20);
    const both = integratedLoudness({ channels: [channel, channel], sampleRate: 16_000 });
    expect(both - integratedLoudness(mono(channel))).toBeCloseTo(10 * Math.log10(2), 6);
  });

  it('leaves out what is 10 LU below the rest, and what is below -70 LUFS', () => {
    const loud = integratedLoudness(mono(tone(-20, 3)));
    // of the blocks that lie in both, a tenth of one would move it by less
    expect(Math.abs(integratedLoudness(mono(join(tone(-20, 3), tone(-45, 3)))) - loud)).toBeLessThan(0.3);
    expect(Math.abs(integratedLoudness(mono(join(new Float32Array(80_000), tone(-20, 3)))) - loud)).toBeLessThan(0.3);
    expect(loud - integratedLoudness(mono(join(tone(-20, 3), tone(-26, 3))))).toBeGreaterThan(1.5);
  });

  it('is minus infinity of silence, of next to nothing, and of no samples', () => {
    for (const samples of [new Float32Array(32_000), tone(-80), new Float32Array(0), new Float32Array(10)]) expect(integratedLoudness(mono(samples))).toBe(-Infinity);
  });

  it('takes a sound shorter than a block as one', () => {
    expect(Math.abs(integratedLoudness(mono(tone(-20, 0.3))) - integratedLoudness(mono(tone(-20, 2))))).toBeLessThan(0.2);
  });

  // ffmpeg 5.1.9, -af ebur128=metadata=1, of the same samples as 32-bit float WAV
  it.each<[string, number, (random: Random) => Audio]>([
    ['white noise in mono at 32 kHz', -13.746, (random) => mono(noise(random, -12, 32_000, 3), 32_000)],
    ['60 Hz', -16.582, () => mono(sine(60, -10, { rate: 32_000, seconds: 3 }), 32_000)],
    ['8 kHz at 44.1 kHz', -9.66, () => mono(sine(8000, -10, { rate: 44_100, seconds: 3 }), 44_100)],
  ])("is what ffmpeg's ebur128 measures: %s", (_what, expected, make) => {
    expect(Math.abs(integratedLoudness(make(new Random('loudness'))) - expected)).toBeLessThan(0.02);
  });
});

const noise = (random: Random, db: number, rate: number, seconds: number): Float32Array => Float32Array.from({ length: rate * seconds }, () => gain(db) * (2 * random.float() - 1));

describe('normalizeLoudness', () => {
  it('brings sound to -16 LUFS, or to what is asked', () => {
    expect(integratedLoudness(normalizeLoudness(mono(tone(-40))))).toBeCloseTo(-16, 2);
    expect(integratedLoudness(normalizeLoudness(mono(tone(-3))))).toBeCloseTo(-16, 2);
    expect(integratedLoudness(normalizeLoudness(mono(tone(-3)), { target: -23 }))).toBeCloseTo(-23, 2);
  });

  it('stays below the ceiling, and then is as loud as that allows', () => {
    const random = new Random('peaks');
    for (let i = 0; i < 10; i++) {
      const clicks = Float32Array.from({ length: 8000 }, () => (random.chance(0.001) ? 2 : 0.01) * (random.float() - 0.5));
      const ceiling = -1 - random.int(6);
      const after = normalizeLoudness(mono(clicks), { target: -10, peak: ceiling });
      expect(highest(after)).toBeLessThanOrEqual(gain(ceiling) + 1e-7);
      expect(highest(after)).toBeGreaterThan(gain(ceiling) - 1e-6);
    }
  });

  it('leaves silence as it is', () => {
    const silence = mono(new Float32Array(20_000));
    expect(normalizeLoudness(silence)).toEqual(silence);
  });

  it('does not change the sound that it is given', () => {
    const audio = mono(tone(-30, 0.5));
    const before = audio.channels[0]!.slice();
    normalizeLoudness(audio);
    expect(audio.channels[0]).toEqual(before);
  });
});
