import { describe, expect, it } from 'vitest';
import { LogMel, SILENT_POWER } from '../../../../genki/evaluation/clap/log-mel.ts';
import { Random } from '../../../../genki/protocol/random.ts';

// three triangles between 0 and 2400 Hz: their edges and middles lie where 1 + Hz / 700 = 1, r, r², r³, r⁴
const CONFIG = { sampleRate: 8000, frameSize: 256, hop: 128, bands: 3, lowestHz: 0, highestHz: 2400 };
const r = (31 / 7) ** (1 / 4);
const edge = (n: number): number => 700 * (r ** n - 1);
const BIN = 8000 / 256;
const sine = (bin: number, amplitude: number, length = 1024): Float32Array => Float32Array.from({ length }, (_, i) => amplitude * Math.sin((2 * Math.PI * bin * i) / 256));

/** How much band n weighs a frequency. */
const weight = (band: number, hz: number): number => {
  const [lower, middle, upper] = [edge(band), edge(band + 1), edge(band + 2)];
  return Math.max(0, Math.min((hz - lower) / (middle - lower), (upper - hz) / (upper - middle)));
};

describe('LogMel', () => {
  it.each([[10, 1], [25, 0.5], [50, 0.01]])('finds all power of a sine in bin %i in the bands around it', (bin, amplitude) => {
    const out = new LogMel(CONFIG).frames(sine(bin, amplitude), 8);
    for (let band = 0; band < 3; band++) {
      // Hann: all of the power in its own bin, a quarter in either neighbour
      const power = amplitude ** 2 * (weight(band, bin * BIN) + 0.25 * weight(band, (bin - 1) * BIN) + 0.25 * weight(band, (bin + 1) * BIN));
      for (let frame = 0; frame < 8; frame++) expect(out[frame * 3 + band]).toBeCloseTo(Math.log(Math.max(power, SILENT_POWER)), 4);
    }
  });

  it('gives silence its floor, and a constant too', () => {
    for (const level of [0, 0.5]) {
      expect([...new LogMel({ ...CONFIG, lowestHz: 100 }).frames(new Float32Array(300).fill(level), 4)]).toEqual(Array.from({ length: 12 }, () => Math.fround(Math.log(SILENT_POWER))));
    }
  });

  it('goes on at the beginning behind the end', () => {
    const random = new Random('log-mel');
    const clip = Float32Array.from({ length: 500 }, () => random.float() - 0.5);
    const round = Float32Array.from({ length: 3000 }, (_, i) => clip[i % 500]!);
    const mel = new LogMel(CONFIG);
    expect(mel.frames(clip, 20)).toEqual(mel.frames(round, 20));
  });

  it('gives a frame the same values whichever it is transformed with', () => {
    const random = new Random('pairs');
    const clip = Float32Array.from({ length: 4000 }, () => random.float() - 0.5);
    const mel = new LogMel(CONFIG);
    const [even, odd] = [mel.frames(clip, 7), mel.frames(clip.subarray(CONFIG.hop), 6)];
    odd.slice(0, 18).forEach((value, i) => expect(value).toBeCloseTo(even[3 + i]!, 5));
  });

  it('rises by 20 dB where the sound does', () => {
    const [soft, loud] = [0.01, 0.1].map((amplitude) => new LogMel(CONFIG).frames(sine(25, amplitude), 2));
    expect(loud![1]! - soft![1]!).toBeCloseTo(Math.log(100), 5);
  });
});
