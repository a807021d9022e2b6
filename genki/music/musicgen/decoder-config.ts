import * as z from 'zod';
import type { DecoderConfig } from '../config.ts';
import { checkedFields, objectAt, unsupported } from './checked-fields.ts';
import { tellingFields } from './harmless-fields.ts';

const SIZE = 2 ** 20;
// the description is what a refusal says was expected
const count = (most: number, preset: number) => z.int().min(1).max(most).default(preset).describe(`1 to ${most}`);
const ignored = z.unknown().optional();

/** A field that a file lacks has the value that Hugging Face gives it then. */
const Fields = z.strictObject({
  vocab_size: count(2 ** 16 - 1, 2048),
  max_position_embeddings: count(SIZE, 2048),
  num_hidden_layers: count(256, 24),
  ffn_dim: count(SIZE, 4096),
  num_attention_heads: count(1024, 16),
  hidden_size: z.int().min(2).max(SIZE).multipleOf(2).default(1024).describe(`an even size of 2 to ${SIZE}`),
  num_codebooks: count(32, 4),
  audio_channels: z.union([z.literal(1), z.literal(2)]).default(1).describe('1, 2'),
  activation_function: z.enum(['gelu', 'gelu_new', 'relu']).default('gelu').describe('gelu, gelu_new, relu'),
  // how it was trained
  dropout: ignored,
  attention_dropout: ignored,
  activation_dropout: ignored,
  classifier_dropout: ignored,
  layerdrop: ignored,
  // Hugging Face's MusicGen scales nothing, whatever this says
  scale_embedding: ignored,
});

/** Common fields that change nothing in other models, but here would. */
const Common = z.looseObject({
  tie_word_embeddings: z.literal(false).default(false).describe('false'),
  cross_attention_hidden_size: z.null().default(null).describe('none'),
  pad_token_id: z.unknown().default(2048),
  bos_token_id: z.unknown().default(2048),
  decoder_start_token_id: ignored,
});

/**
 * The decoder of Hugging Face's `decoder` object.
 * @param modelType what it has to be, if it says so
 * @throws {InvalidInput} naming a field that is missing, unknown, or of a value that is not supported
 */
export function readDecoderConfig(json: unknown, modelType: string): DecoderConfig {
  const decoder = objectAt('decoder', json);
  const { model_type: kind = modelType } = decoder as { model_type?: unknown };
  if (kind !== modelType) throw unsupported('decoder.model_type', modelType, kind);
  const fields = checkedFields(tellingFields(decoder), { at: 'decoder', schema: Fields });
  const { vocab_size: vocabSize, hidden_size: hiddenSize, num_attention_heads: numHeads, num_codebooks: numCodebooks, audio_channels: channels } = fields;
  if (hiddenSize % numHeads !== 0) throw unsupported('decoder.hidden_size', `a multiple of ${numHeads} heads`, hiddenSize);
  if (numCodebooks % channels !== 0) throw unsupported('decoder.num_codebooks', `a multiple of ${channels} channels`, numCodebooks);
  const { pad_token_id, bos_token_id, decoder_start_token_id } = checkedFields(decoder, { at: 'decoder', schema: Common });
  for (const [name, token] of Object.entries({ pad_token_id, bos_token_id: bos_token_id ?? vocabSize, decoder_start_token_id: decoder_start_token_id ?? vocabSize })) {
    if (token !== vocabSize) throw unsupported(`decoder.${name}`, `vocab_size, ${vocabSize}`, token);
  }
  return {
    vocabSize,
    hiddenSize,
    numLayers: fields.num_hidden_layers,
    numHeads,
    ffnDim: fields.ffn_dim,
    numCodebooks,
    maxPositions: fields.max_position_embeddings,
    ...(channels === 2 && { channels }),
    ...(fields.activation_function !== 'gelu' && { activation: fields.activation_function }),
  };
}
