import { type NanoConfig, patchSize, readNanoConfig } from '../../../../../genki/evaluation/clap/nano/config.ts';
import { contrastiveBatch, type ContrastiveBatch, type Example } from '../../../../../genki/evaluation/clap/nano/batch.ts';
import { SUMMARY_SIZE } from '../../../../../genki/evaluation/clap/nano/sound.ts';
import type { NanoHyper } from '../../../../../genki/evaluation/clap/nano/trainer.ts';
import { Random } from '../../../../../genki/protocol/random.ts';

/** As small as encoders can be with everything in them; a window is 96 samples. */
export const TOY_NANO: NanoConfig = readNanoConfig({
  mel: { sampleRate: 8000, frameSize: 64, hop: 16, bands: 4, lowestHz: 100, highestHz: 3000 },
  normalization: { mean: -10, deviation: 5 },
  window: { patches: 3, framesPerPatch: 2 },
  audio: { hiddenSize: 8, blocks: 1, features: 6 },
  text: { words: ['fast', 'slow', 'town', 'waltz'], hiddenSize: 5 },
  dimensions: 6,
});

export const TOY_NANO_HYPER: NanoHyper = { learningRate: 1e-2, steps: 40, warmup: 2, betas: [0.9, 0.95], weightDecay: 0.01, maxGradNorm: 1, temperature: 0.2 };

const SAID = ['fast town', 'slow town', 'fast waltz', 'slow waltz', 'fast town', ''];

/** Six clips of two windows, of which two share a caption and one is no music; a word leaves its mark on the values. */
export function toyBatch(seed: string): ContrastiveBatch {
  const random = new Random(seed);
  const size = 2 * TOY_NANO.window.patches * patchSize(TOY_NANO);
  const examples = SAID.map((caption): Example => {
    const mark = ['fast', 'town', 'slow', 'waltz'].map((word) => (caption.includes(word) ? 1 : -1));
    const marked = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => mark[i % 4]! + 0.3 * random.normal());
    return { caption, sound: { patches: marked(size), summary: marked(SUMMARY_SIZE) } };
  });
  return contrastiveBatch(TOY_NANO, examples, ['fast town', 'slow town', 'waltz', 'fast slow waltz', '']);
}

/** Noise of any length. */
export function toyClip(seed: string, samples: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: samples }, () => random.float() - 0.5);
}
