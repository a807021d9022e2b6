import type { SoundCoder } from '../../../../genki/data/audio/sound-coder.ts';

/** Codes a tenth of a second by how loud it is, in 2 codebooks: coarse and fine, of 65,536 levels in all. */
export const levelCoder = (changes: Partial<SoundCoder> = {}): SoundCoder => ({
  sampleRate: 8000,
  channels: 1,
  frameRate: 10,
  numCodebooks: 2,
  vocabSize: 257,
  frames: 30,
  digest: 'levels',
  captions: 'text',
  async encode([samples]) {
    const frames = Math.ceil(samples!.length / 800);
    const codes = new Uint16Array(2 * frames);
    for (let f = 0; f < frames; f++) {
      const level = Math.round(65_535 * Math.min(1, samples!.subarray(f * 800, (f + 1) * 800).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)));
      codes[f] = level >> 8;
      codes[frames + f] = level & 255;
    }
    return { codes, frames };
  },
  ...changes,
});
