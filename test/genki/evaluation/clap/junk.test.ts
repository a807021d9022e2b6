import { describe, expect, it } from 'vitest';
import { compose } from '../../../../genki/data/composer.ts';
import { JUNK_KINDS, junkSound } from '../../../../genki/evaluation/clap/junk.ts';
import type { Clip } from '../../../../genki/music/clip.ts';
import { Random } from '../../../../genki/protocol/random.ts';

const whole = compose({ style: 'town', seed: 'junk' });
// a second is enough
const clip: Clip = { ...whole, frames: 12, codes: Uint8Array.from({ length: 48 }, (_, i) => whole.codes[Math.floor(i / 12) * 128 + (i % 12)]!) };
const same = (a: Float32Array, b: Float32Array): boolean => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
const rms = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);

describe.each(JUNK_KINDS)('%s', (kind) => {
  it('is as long as the clip, within full scale, and the same for the same seed', () => {
    for (let seed = 0; seed < 3; seed++) {
      const sound = junkSound(kind, clip, new Random(`${seed}`));
      expect(sound.length).toBe(32_000);
      expect(sound.every((x) => Math.abs(x) <= 1)).toBe(true);
      expect(same(sound, junkSound(kind, clip, new Random(`${seed}`)))).toBe(true);
    }
  });

  it(kind === 'silence' ? 'is silent' : 'can be heard, and differs by the seed', () => {
    const sounds = ['a', 'b'].map((seed) => junkSound(kind, clip, new Random(seed)));
    if (kind === 'silence') return expect(rms(sounds[0]!)).toBe(0);
    for (const sound of sounds) expect(rms(sound)).toBeGreaterThan(1e-3);
    expect(same(sounds[0]!, sounds[1]!)).toBe(false);
  });
});
