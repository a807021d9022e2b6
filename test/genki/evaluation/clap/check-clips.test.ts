import { describe, expect, it } from 'vitest';
import { checkClips, type Decoded } from '../../../../genki/evaluation/clap/check-clips.ts';
import { resample } from '../../../../genki/evaluation/clap/resample.ts';
import { InvalidInput } from '../../../../genki/errors.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const clip = (sampleRate: number, ...channels: (readonly number[])[]): Decoded => ({ channels: channels.map((channel) => Float32Array.from(channel)), sampleRate });
const good = clip(48_000, [0.5, -0.5]);

describe('checkClips', () => {
  it('gives mono clips: the mean of two channels', () => {
    expect(checkClips([clip(48_000, [0.5, -0.25, 0]), clip(48_000, [1, 0.5], [0, -0.5])], 48_000)).toEqual([Float32Array.of(0.5, -0.25, 0), Float32Array.of(0.5, 0)]);
  });

  it('clips what lies beyond ±1, each channel on its own', () => {
    expect(checkClips([clip(48_000, [2, -3, 1e30]), clip(48_000, [3, -9], [-1, 0])], 48_000)).toEqual([Float32Array.of(1, -1, 1), Float32Array.of(0, -0.5)]);
  });

  it('gives them at the rate asked for, within ±1 even where resampling overshoots', () => {
    const square = Array.from({ length: 400 }, (_, i) => (Math.floor(i / 20) % 2 === 0 ? 1 : -1));
    const [mono] = checkClips([clip(32_000, square)], 48_000);
    const free = resample(Float32Array.from(square), 32_000, 48_000);
    expect(mono!.length).toBe(600);
    expect(Math.max(...free)).toBeGreaterThan(1.05);
    expect(mono).toEqual(free.map((x) => Math.max(-1, Math.min(1, x))));
  });

  it('takes clips of any length and rate, and silence', () => {
    const random = new Random('clips');
    for (let i = 0; i < 200; i++) {
      const [length, rate] = [1 + random.int(300), random.pick([8000, 16_000, 32_000, 44_100, 48_000, 96_000])];
      const noise = Array.from({ length }, () => 4 * random.float() - 2);
      const [mono, silence] = checkClips([clip(rate, noise, noise.toReversed()), clip(rate, noise.map(() => 0))], 48_000);
      expect(mono!.length).toBe(Math.ceil((length * 48_000) / rate));
      expect(mono!.every((x) => Math.abs(x) <= 1)).toBe(true);
      expect(silence).toEqual(new Float32Array(mono!.length));
    }
  });

  it('leaves what it was given alone', () => {
    const given = clip(48_000, [2, 0.5]);
    const [mono] = checkClips([given], 48_000);
    mono!.fill(9);
    expect(given.channels[0]).toEqual(Float32Array.of(2, 0.5));
  });

  it.each([
    ['no clips', [], 'Expected at least one clip, got none'],
    ['no channels', [good, clip(48_000)], 'Expected clip 2 to have 1 or 2 channels, got 0'],
    ['too many channels', [clip(48_000, [0], [0], [0])], 'Expected clip 1 to have 1 or 2 channels, got 3'],
    ['no samples', [good, clip(48_000, [], [])], 'Expected clip 2 to have samples, got none'],
    ['channels of different lengths', [clip(48_000, [0, 0], [0])], 'Expected the channels of clip 1 to be equally long, got 2 and 1 samples'],
    ['NaN', [good, good, clip(48_000, [0, 0, 0], [0, NaN, 0])], 'Expected clip 3 to hold numbers, got NaN at sample 1'],
    ['infinity', [clip(48_000, [0, -Infinity])], 'Expected clip 1 to hold numbers, got -Infinity at sample 1'],
    ['no rate', [clip(0, [0, 0])], 'Expected clip 1 at a rate that can be changed to 48000 Hz, got: Expected a sample rate of whole Hz above 0, got 0'],
    ['an odd rate', [clip(4_294_967_291, [0, 0])], 'Expected clip 1 at a rate that can be changed to 48000 Hz'],
  ])('refuses %s', (_, clips, message) => {
    expect(() => checkClips(clips, 48_000)).toThrow(InvalidInput);
    expect(() => checkClips(clips, 48_000)).toThrow(message);
  });
});
