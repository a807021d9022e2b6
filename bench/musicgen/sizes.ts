import type { DecoderConfig } from '../../genki/music/config.ts';

/** A MusicGen of random weights, and the work that is timed with it. */
export type Size = {
  readonly name: string;
  readonly decoder: Pick<DecoderConfig, 'vocabSize' | 'hiddenSize' | 'numLayers' | 'numHeads' | 'ffnDim' | 'numCodebooks' | 'maxPositions'>;
  /** Of one state of the text; as large as the decoder's, it is used as it is. */
  readonly textSize: number;
  /** Clips of a training step. */
  readonly rows: number;
  /** Of a clip to train on, its delay included. */
  readonly positions: number;
  /** Of a clip to compose. */
  readonly frames: number;
};

const FULL = { vocabSize: 2048, numCodebooks: 4, maxPositions: 2048 } as const;

export const SIZES = {
  /** ruby-nano's shapes: 1.1 M parameters. */
  'nano': {
    name: 'nano',
    decoder: { vocabSize: 64, hiddenSize: 128, numLayers: 4, numHeads: 4, ffnDim: 512, numCodebooks: 4, maxPositions: 256 },
    textSize: 64,
    rows: 8,
    positions: 131,
    frames: 128,
  },
  /** 98 M parameters. */
  '100m': { name: '100m', decoder: { ...FULL, hiddenSize: 768, numLayers: 9, numHeads: 12, ffnDim: 3072 }, textSize: 768, rows: 2, positions: 256, frames: 64 },
  /** As wide as musicgen-small, as few layers as let much be repeated: 84 M parameters. */
  'd1024': { name: 'd1024', decoder: { ...FULL, hiddenSize: 1024, numLayers: 4, numHeads: 16, ffnDim: 4096 }, textSize: 768, rows: 2, positions: 256, frames: 64 },
  /** musicgen-small's language model: 421 M parameters. */
  'small': { name: 'small', decoder: { ...FULL, hiddenSize: 1024, numLayers: 24, numHeads: 16, ffnDim: 4096 }, textSize: 768, rows: 1, positions: 256, frames: 64 },
} as const satisfies Record<string, Size>;

export type SizeName = keyof typeof SIZES;
