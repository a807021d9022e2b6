import * as z from 'zod';
import { InvalidInput } from '../errors.ts';
import { delayedLength } from './delay-pattern.ts';
import type { EncodecConfig } from './encodec/config.ts';
import { isHuggingFaceConfig, readMusicgenConfig } from './musicgen/config.ts';
import type { T5Config } from './t5/config.ts';

/** MusicGen's decoder; the fields are those of Hugging Face's `MusicgenDecoderConfig`. */
export type DecoderConfig = {
  /** Codes per codebook; the code `vocabSize` itself is padding and start, and is never predicted. */
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly ffnDim: number;
  readonly numCodebooks: number;
  /** The longest delayed sequence (`delayedLength`) that the model is meant for. */
  readonly maxPositions: number;
  /** 2: stereo, codebooks in pairs of left and right. Default 1. */
  readonly channels?: 1 | 2;
  /** Of the feed-forward layers. Default `gelu`, the exact one. */
  readonly activation?: Activation;
  /** How it is told what to play: by cross-attention (default), or by states that stand before the music (MusicGen melody). */
  readonly told?: { readonly by: 'cross-attention' } | { readonly by: 'prefix'; readonly chroma: ChromaConfig };
};

/** `gelu_new` is the approximation by tanh. */
export type Activation = 'gelu' | 'gelu_new' | 'relu';

/** What MusicGen melody is told of a melody: `length` frames of `bins` pitch classes. */
export type ChromaConfig = { readonly bins: number; readonly length: number };

/**
 * Where the text's states come from: a table of known words, learnt with the model, or an encoder outside it (T5).
 * `isProjected` false: they have the decoder's size and are used as they are. Default true: a learnt projection.
 */
export type TextConfig = { readonly hiddenSize: number; readonly isProjected?: boolean } & (
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly maxWords: number }
  | { readonly kind: 'states' }
);

/** All that the language model's computation depends on. */
export type LanguageConfig = { readonly decoder: DecoderConfig; readonly text: TextConfig };

export type MusicConfig = LanguageConfig & {
  readonly codec: CodecConfig;
  /** Of a model that is told states: what makes them. */
  readonly textEncoder?: T5Config;
};

/** `frameRate` in frames a second, `frames` in one clip. */
export type CodecConfig = { readonly frameRate: number; readonly frames: number } & ({ readonly kind: 'apu' } | ({ readonly kind: 'encodec' } & EncodecConfig));

const count = z.int().positive().max(2 ** 20);
// what a caption is split at: a word that holds one of these, or an upper-case letter, could never be found
const word = z.string().regex(/^[^\s,.;:!?A-Z]+$/, 'expected a lower-case word without spaces and punctuation');
const text = { hiddenSize: count, isProjected: z.boolean().exactOptional() };

const Config = z.strictObject({
  decoder: z.strictObject({
    vocabSize: count.max(2 ** 16 - 1, 'expected codes that fit 16 bits'),
    hiddenSize: count.multipleOf(2),
    numLayers: count.max(256),
    numHeads: count,
    ffnDim: count,
    numCodebooks: count.max(32),
    maxPositions: count,
    channels: z.union([z.literal(1), z.literal(2)]).exactOptional(),
    activation: z.enum(['gelu', 'gelu_new', 'relu']).exactOptional(),
  }),
  text: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('words'), words: z.array(word).min(1), maxWords: count, ...text }),
    z.strictObject({ kind: z.literal('states'), ...text }),
  ]),
  codec: z.strictObject({ kind: z.literal('apu'), frameRate: z.number().positive(), frames: count }),
});

/**
 * The configuration of a music model, as `config.json` of a Dama holds it: our own, or Hugging Face's of a MusicGen.
 * @throws {InvalidInput} naming each field that is missing, unknown or out of range; of Hugging Face's, the first
 */
export function readMusicConfig(json: unknown): MusicConfig {
  if (isHuggingFaceConfig(json)) return readMusicgenConfig(json);
  const parsed = Config.safeParse(json);
  if (!parsed.success) throw new InvalidInput(`Expected a music config, got one with\n${z.prettifyError(parsed.error)}`);
  checkLanguage(parsed.data);
  const { decoder, codec } = parsed.data;
  const positions = delayedLength(codec.frames, decoder);
  if (positions > decoder.maxPositions) {
    throw new InvalidInput(`Expected decoder.maxPositions to hold ${codec.frames} delayed frames, ${positions}, got ${decoder.maxPositions}`);
  }
  return parsed.data;
}

function checkLanguage({ decoder, text }: LanguageConfig): void {
  const { hiddenSize, numHeads, numCodebooks, channels = 1 } = decoder;
  if (hiddenSize % numHeads !== 0) throw new InvalidInput(`Expected decoder.hiddenSize to be a multiple of decoder.numHeads, got ${hiddenSize} and ${numHeads}`);
  if (numCodebooks % channels !== 0) throw new InvalidInput(`Expected decoder.numCodebooks to be a multiple of decoder.channels, got ${numCodebooks} and ${channels}`);
  if (text.isProjected === false && text.hiddenSize !== hiddenSize) {
    throw new InvalidInput(`Expected text.hiddenSize without a projection to be decoder.hiddenSize, got ${text.hiddenSize} and ${hiddenSize}`);
  }
  if (text.kind === 'words' && new Set(text.words).size !== text.words.length) {
    throw new InvalidInput('Expected text.words to be different words, got one twice');
  }
}

/** What a model is told of a melody; none of one that is told by cross-attention, which follows no melody. */
export const chromaConfig = ({ told }: DecoderConfig): ChromaConfig | undefined => (told?.by === 'prefix' ? told.chroma : undefined);

/** The code that stands for "nothing yet" and "nothing any more": start and padding in one. */
export const padCode = (decoder: DecoderConfig): number => decoder.vocabSize;
