import * as z from 'zod';
import { InvalidInput } from '../errors.ts';

/** MusicGen's decoder; the fields are those of Hugging Face's `MusicgenDecoderConfig`. */
export type DecoderConfig = {
  /** Codes per codebook; the code `vocabSize` itself is padding and start, and is never predicted. */
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly ffnDim: number;
  readonly numCodebooks: number;
  /** The longest delayed sequence, frames + numCodebooks − 1, that the model is meant for. */
  readonly maxPositions: number;
};

/** Where the text's states come from: a table of known words, learnt with the model, or an encoder outside it (T5). */
export type TextConfig =
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly hiddenSize: number; readonly maxWords: number }
  | { readonly kind: 'states'; readonly hiddenSize: number };

/** All that the language model's computation depends on. */
export type LanguageConfig = { readonly decoder: DecoderConfig; readonly text: TextConfig };

export type MusicConfig = LanguageConfig & {
  /** `frameRate` in frames a second, `frames` in one clip. */
  readonly codec: { readonly kind: 'apu'; readonly frameRate: number; readonly frames: number };
};

const count = z.int().positive().max(2 ** 20);
// what a caption is split at: a word that holds one of these, or an upper-case letter, could never be found
const word = z.string().regex(/^[^\s,.;:!?A-Z]+$/, 'expected a lower-case word without spaces and punctuation');

const Config = z.strictObject({
  decoder: z.strictObject({
    vocabSize: count.max(256, 'expected codes that fit a byte'),
    hiddenSize: count.multipleOf(2),
    numLayers: count.max(256),
    numHeads: count,
    ffnDim: count,
    numCodebooks: count.max(32),
    maxPositions: count,
  }),
  text: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('words'), words: z.array(word).min(1), hiddenSize: count, maxWords: count }),
    z.strictObject({ kind: z.literal('states'), hiddenSize: count }),
  ]),
  codec: z.strictObject({ kind: z.literal('apu'), frameRate: z.number().positive(), frames: count }),
});

/**
 * The configuration of a music model, as `config.json` of a Dama holds it.
 * @throws {InvalidInput} naming each field that is missing, unknown or out of range
 */
export function readMusicConfig(json: unknown): MusicConfig {
  const parsed = Config.safeParse(json);
  if (!parsed.success) throw new InvalidInput(`Expected a music config, got one with\n${z.prettifyError(parsed.error)}`);
  const { decoder, text, codec } = parsed.data;
  if (decoder.hiddenSize % decoder.numHeads !== 0) {
    throw new InvalidInput(`Expected decoder.hiddenSize to be a multiple of decoder.numHeads, got ${decoder.hiddenSize} and ${decoder.numHeads}`);
  }
  const positions = codec.frames + decoder.numCodebooks - 1;
  if (positions > decoder.maxPositions) {
    throw new InvalidInput(`Expected decoder.maxPositions to hold ${codec.frames} delayed frames, ${positions}, got ${decoder.maxPositions}`);
  }
  if (text.kind === 'words' && new Set(text.words).size !== text.words.length) {
    throw new InvalidInput('Expected text.words to be different words, got one twice');
  }
  return parsed.data;
}

/** The code that stands for "nothing yet" and "nothing any more": start and padding in one. */
export const padCode = (decoder: DecoderConfig): number => decoder.vocabSize;
