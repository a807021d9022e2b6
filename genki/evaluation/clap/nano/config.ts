import * as z from 'zod';
import { InvalidInput } from '../../../errors.ts';
import type { MelConfig } from '../log-mel.ts';

/** All that the encoders depend on, as `config.json` beside their weights holds it. */
export type NanoConfig = {
  readonly mel: MelConfig;
  /** What a log-mel value has taken away and is divided by before the network sees it. */
  readonly normalization: { readonly mean: number; readonly deviation: number };
  /** A window has so many patches of so many frames each. */
  readonly window: { readonly patches: number; readonly framesPerPatch: number };
  readonly audio: {
    readonly hiddenSize: number;
    /** Blocks that mix a window's patches, then each patch's channels. */
    readonly blocks: number;
    /** Of one window: what a Fréchet distance is taken over. */
    readonly features: number;
  };
  readonly text: { readonly words: readonly string[]; readonly hiddenSize: number };
  /** Of the space that clips and captions share. */
  readonly dimensions: number;
};

const count = z.int().positive().max(2 ** 16);
const word = z.string().regex(/^[^\s,.;:!?A-Z]+$/, 'expected a lower-case word without spaces and punctuation');
const powerOfTwo = count.min(2).refine((size) => (size & (size - 1)) === 0, 'expected a power of two');

const Config = z.strictObject({
  mel: z.strictObject({ sampleRate: z.int().positive().max(768_000), frameSize: powerOfTwo, hop: count, bands: count, lowestHz: z.number().nonnegative(), highestHz: z.number().positive() }),
  normalization: z.strictObject({ mean: z.number(), deviation: z.number().positive() }),
  window: z.strictObject({ patches: count, framesPerPatch: count }),
  audio: z.strictObject({ hiddenSize: count, blocks: z.int().nonnegative().max(64), features: count }),
  text: z.strictObject({ words: z.array(word).min(1), hiddenSize: count }),
  dimensions: count,
});

/** @throws {InvalidInput} naming each field that is missing, unknown or out of range */
export function readNanoConfig(json: unknown): NanoConfig {
  const parsed = Config.safeParse(json);
  if (!parsed.success) throw new InvalidInput(`Expected the config of a clap-nano, got one with\n${z.prettifyError(parsed.error)}`);
  const { mel, text } = parsed.data;
  if (mel.lowestHz >= mel.highestHz || mel.highestHz > mel.sampleRate / 2) {
    throw new InvalidInput(`Expected mel bands that rise up to ${mel.sampleRate / 2} Hz, got ${mel.lowestHz} to ${mel.highestHz}`);
  }
  if (new Set(text.words).size !== text.words.length) throw new InvalidInput('Expected text.words to be different words, got one twice');
  return parsed.data;
}

/** Frames in a window. */
export const windowFrames = ({ window }: NanoConfig): number => window.patches * window.framesPerPatch;
/** Samples from the beginning of one window to that of the next. */
export const windowSamples = (config: NanoConfig): number => windowFrames(config) * config.mel.hop;
/** Values in a patch: its frames' bands. */
export const patchSize = ({ mel, window }: NanoConfig): number => window.framesPerPatch * mel.bands;
