import { compose } from '../../../../genki/data/composer.ts';
import { drawPlan } from '../../../../genki/data/plan.ts';
import { styleNamed } from '../../../../genki/data/styles/styles.ts';
import { renderCodes, SAMPLE_RATE } from '../../../../genki/music/apu/synthesizer.ts';
import type { Audio } from '../../../../genki/music/codec.ts';
import { Random } from '../../../../genki/protocol/random.ts';

/** A piece of the composer's as the chip plays it, 10.7 s, and what is known of it. */
export function played(style: string, seed: string): { readonly audio: Audio; readonly bpm: number; readonly tonic: number; readonly mode: string } {
  const { framesPerBeat, key } = drawPlan(styleNamed(style), new Random(`compose/${style}/${seed}`));
  return { audio: { channels: [renderCodes(compose({ style, seed }).codes)], sampleRate: SAMPLE_RATE }, bpm: (60 * 12) / framesPerBeat, tonic: key.tonic, mode: key.mode };
}

/** Seeded noise of an amplitude. */
export function noise(samples: number, seed: string, amplitude = 0.1): Float32Array {
  const random = new Random(`noise/${seed}`);
  return Float32Array.from({ length: samples }, () => amplitude * (2 * random.float() - 1));
}

export const sine = (samples: number, { hertz, sampleRate, amplitude = 0.5 }: { hertz: number; sampleRate: number; amplitude?: number }): Float32Array =>
  Float32Array.from({ length: samples }, (_, i) => amplitude * Math.sin((2 * Math.PI * hertz * i) / sampleRate));
