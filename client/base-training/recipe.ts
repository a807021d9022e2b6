import { entropyFloor } from '../../genki/data/entropy-floor.ts';
import { BASE_STYLES, PRIVATE_STYLES } from '../../genki/data/styles/styles.ts';
import { MAX_WORDS, WORDS } from '../../genki/data/words.ts';
import { CHANNELS, CLIP_FRAMES, FRAME_RATE, VOCABULARY } from '../../genki/music/apu/codes.ts';
import { type MusicConfig, readMusicConfig } from '../../genki/music/config.ts';
import { delayedLength } from '../../genki/music/delay-pattern.ts';
import type { Hyper } from '../../genki/music/schedule.ts';

export const NAME = 'ruby-nano';

/** 1.12 million parameters. */
export const MUSIC: MusicConfig = readMusicConfig({
  decoder: {
    vocabSize: VOCABULARY,
    hiddenSize: 128,
    numLayers: 4,
    numHeads: 4,
    ffnDim: 512,
    numCodebooks: CHANNELS.length,
    maxPositions: delayedLength(CLIP_FRAMES, { numCodebooks: CHANNELS.length }),
  },
  text: { kind: 'words', words: [...WORDS], hiddenSize: 32, maxWords: MAX_WORDS },
  codec: { kind: 'apu', frameRate: FRAME_RATE, frames: CLIP_FRAMES },
});

export const SEEDS = { weights: `${NAME}/weights`, data: `${NAME}/base`, batches: `${NAME}/batches`, heldOut: `${NAME}/held-out` } as const;

/** What it learns: the base styles, so many clips of each. */
export const CORPUS = { name: `${NAME} base corpus`, styles: BASE_STYLES, clips: 1024, seed: SEEDS.data, licence: 'CC0-1.0', sharing: 'shared' } as const;

/** What it is measured by: music of every style, the ones that it never hears too. */
export const HELD_OUT = { clips: Object.fromEntries([...BASE_STYLES, ...PRIVATE_STYLES].map((style) => [style, 16])), seed: SEEDS.heldOut };

/** From a trial in PyTorch: 4e-3 was no faster after 1,000 steps, and worse on styles that it had not heard. */
export const hyperOf = (steps: number): Hyper => ({
  learningRate: 2e-3,
  steps,
  warmup: Math.min(100, Math.floor(steps / 10)),
  betas: [0.9, 0.95],
  weightDecay: 0.05,
  guidanceDropout: 0.15,
  batch: 8,
});

export const floors = (): Record<string, number> => Object.fromEntries([...BASE_STYLES, ...PRIVATE_STYLES].map((style) => [style, round4(entropyFloor(style))]));
export const round4 = (x: number): number => Math.round(1e4 * x) / 1e4;
