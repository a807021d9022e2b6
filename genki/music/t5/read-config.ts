import * as z from 'zod';
import { checkedFields, objectAt, unsupported } from '../musicgen/checked-fields.ts';
import { tellingFields } from '../musicgen/harmless-fields.ts';
import type { T5Config } from './config.ts';
import { exactDistances } from './relative-position.ts';

const AT = 'text_encoder';

/** By `feed_forward_proj`; the gated one has always been the approximation by tanh. */
const FEED_FORWARD = {
  'relu': { activation: 'relu', isGated: false },
  'gelu': { activation: 'gelu', isGated: false },
  'gated-gelu': { activation: 'gelu_new', isGated: true },
} as const;

/** What T5's own files hold beside the common fields and that changes nothing in what its encoder computes. */
const ITS_OWN = new Set(['classifier_dropout', 'dropout_rate', 'n_positions', 'num_decoder_layers', 'output_past']);

const SIZE = 2 ** 20;
const count = (most: number) => z.int().min(1).max(most).describe(`1 to ${most}`);

/** Fields with a default are those that the oldest files do not have. */
const Fields = z.strictObject({
  vocab_size: count(SIZE),
  d_model: count(SIZE),
  d_kv: count(SIZE),
  d_ff: count(SIZE),
  num_layers: count(256),
  num_heads: count(1024),
  relative_attention_num_buckets: z.int().min(4).max(4096).default(32).describe('4 to 4096'),
  relative_attention_max_distance: z.int().min(1).max(SIZE).default(128).describe(`1 to ${SIZE}`),
  layer_norm_epsilon: z.number().positive().default(1e-6).describe('a number above 0'),
  feed_forward_proj: z.enum(['relu', 'gelu', 'gated-gelu']).default('relu').describe('relu, gelu, gated-gelu'),
  dense_act_fn: z.string().optional().describe('relu, gelu, gelu_new'),
  is_gated_act: z.boolean().optional().describe('true, false'),
});

/**
 * The encoder of Hugging Face's `text_encoder` object, as a MusicGen's config.json holds it.
 * @throws {InvalidInput} naming a field that is missing, unknown, or of a value that is not supported
 */
export function readT5Config(json: unknown): T5Config {
  const object = objectAt(AT, json);
  checkKind(object);
  const telling = Object.entries(tellingFields(object)).filter(([name]) => !ITS_OWN.has(name));
  const fields = checkedFields(Object.fromEntries(telling), { at: AT, schema: Fields });
  checkTogether(fields);
  return {
    vocabSize: fields.vocab_size,
    hiddenSize: fields.d_model,
    headSize: fields.d_kv,
    ffnDim: fields.d_ff,
    numLayers: fields.num_layers,
    numHeads: fields.num_heads,
    relativeBuckets: fields.relative_attention_num_buckets,
    relativeMaxDistance: fields.relative_attention_max_distance,
    epsilon: fields.layer_norm_epsilon,
    ...FEED_FORWARD[fields.feed_forward_proj],
  };
}

/** Common fields that change nothing in other models, but here would. */
function checkKind(json: object): void {
  const { model_type: kind = 't5', is_decoder: isDecoder = false } = json as { model_type?: unknown; is_decoder?: unknown };
  if (kind !== 't5') throw unsupported(`${AT}.model_type`, 't5', kind);
  if (isDecoder !== false) throw unsupported(`${AT}.is_decoder`, 'false', isDecoder);
}

function checkTogether(fields: z.infer<typeof Fields>): void {
  const { feed_forward_proj: kind, relative_attention_num_buckets: buckets, relative_attention_max_distance: farthest } = fields;
  const { activation, isGated } = FEED_FORWARD[kind];
  const { dense_act_fn: act = activation, is_gated_act: gated = isGated } = fields;
  // Hugging Face takes these two where a file has them, whatever feed_forward_proj says
  if (act !== activation) throw unsupported(`${AT}.dense_act_fn`, `${activation}, as feed_forward_proj is ${kind}`, act);
  if (gated !== isGated) throw unsupported(`${AT}.is_gated_act`, `${isGated}, as feed_forward_proj is ${kind}`, gated);
  const exact = exactDistances(buckets);
  if (farthest <= exact) throw unsupported(`${AT}.relative_attention_max_distance`, `more than ${exact}, as there are ${buckets} buckets`, farthest);
}
