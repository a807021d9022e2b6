import { STYLE_NAMES } from '../../genki/data/styles/style.ts';
import { WORDS } from '../../genki/data/words.ts';
import { type NanoConfig, readNanoConfig } from '../../genki/evaluation/clap/nano/config.ts';
import type { NanoHyper } from '../../genki/evaluation/clap/nano/trainer.ts';
import { SAMPLE_RATE } from '../../genki/music/apu/synthesizer.ts';

export const NAME = 'clap-nano';

/** Windows of .64 s: 17 of a clip of 10.67 s. */
export const CONFIG: NanoConfig = readNanoConfig({
  mel: { sampleRate: SAMPLE_RATE, frameSize: 2048, hop: 1024, bands: 64, lowestHz: 40, highestHz: 12_000 },
  normalization: { mean: -10, deviation: 3.5 },
  window: { patches: 5, framesPerPatch: 4 },
  audio: { hiddenSize: 96, blocks: 2, features: 64 },
  text: { words: [...WORDS], hiddenSize: 64 },
  dimensions: 64,
});

export const SEEDS = { weights: `${NAME}/weights`, data: `${NAME}/corpus`, batches: `${NAME}/batches`, heldOut: `${NAME}/held-out` } as const;

export const LICENCE = 'CC0-1.0';

/** What is learnt from: clips of each style, as many mixtures in all, and sounds of each kind of junk. */
export const CORPUS = { styles: STYLE_NAMES, clipsOfEachStyle: 200, mixtures: 800, junkOfEachKind: 64 } as const;

/** One step's rows. */
export const BATCH = { clips: 32, junk: 8, foils: 32 } as const;

export const hyperOf = (steps: number): NanoHyper => ({
  learningRate: 2e-3,
  steps,
  warmup: Math.min(50, Math.floor(steps / 10)),
  betas: [0.9, 0.98],
  weightDecay: 0.05,
  maxGradNorm: 1,
  temperature: 0.1,
});
