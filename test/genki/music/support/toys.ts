import type { Clip } from '../../../../genki/music/clip.ts';
import type { MusicConfig } from '../../../../genki/music/config.ts';
import type { LoraConfig } from '../../../../genki/music/lora.ts';
import type { Hyper } from '../../../../genki/music/schedule.ts';
import { Random } from '../../../../genki/protocol/random.ts';

/** A model of the shipped one's kind, small enough for a test. */
export const TOY: MusicConfig = {
  decoder: { vocabSize: 16, hiddenSize: 32, numLayers: 2, numHeads: 2, ffnDim: 64, numCodebooks: 4, maxPositions: 64 },
  text: { kind: 'words', words: ['town', 'battle', 'waltz', 'minor', 'fast'], hiddenSize: 8, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 12 },
};

export const TOY_LORA: LoraConfig = { rank: 4, alpha: 8, targets: ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'], rslora: false };

export const TOY_HYPER: Hyper = { learningRate: 1e-2, steps: 20, warmup: 2, betas: [0.9, 0.95], weightDecay: 0.01, maxGradNorm: 1, guidanceDropout: 0.3, batch: 4 };

/** Clips of random codes that repeat, so that there is something to learn. */
export function toyClips(count: number, seed: string, frames = TOY.codec.frames): Clip[] {
  const random = new Random(seed);
  const { numCodebooks, vocabSize } = TOY.decoder;
  return Array.from({ length: count }, () => {
    const motif = Array.from({ length: numCodebooks * 3 }, () => random.int(vocabSize));
    const codes = Uint8Array.from({ length: numCodebooks * frames }, (_, i) => motif[Math.floor(i / frames) * 3 + ((i % frames) % 3)]!);
    return { codes, numCodebooks, frames, caption: random.pick(['fast town', 'minor battle', 'waltz']), style: 'toy' };
  });
}
