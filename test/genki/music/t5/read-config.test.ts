import { describe, expect, it } from 'vitest';
import { readT5Config } from '../../../../genki/music/t5/read-config.ts';
import { goldenJson } from '../support/goldens.ts';

const { configs, common } = goldenJson('t5/configs.json') as { configs: Record<'gated' | 'gelu' | 't5-base', Record<string, unknown>>; common: Record<string, unknown> };
const { text_encoder: tiny } = goldenJson('tiny-musicgen/config.json') as { text_encoder: Record<string, unknown> };

describe('readT5Config', () => {
  it('reads all that transformers writes of t5-base', () => {
    expect(readT5Config(configs['t5-base'])).toEqual({
      vocabSize: 32128, hiddenSize: 768, headSize: 64, ffnDim: 3072, numLayers: 12, numHeads: 12,
      relativeBuckets: 32, relativeMaxDistance: 128, epsilon: 1e-6, activation: 'relu', isGated: false,
    });
  });

  it('knows what the oldest files do not say', () => {
    const { d_model, d_kv, d_ff, vocab_size, num_layers, num_heads } = configs['t5-base'];
    expect(readT5Config({ d_model, d_kv, d_ff, vocab_size, num_layers, num_heads })).toEqual(readT5Config(configs['t5-base']));
  });

  it('reads other shapes and feed-forward layers', () => {
    expect(readT5Config(configs.gated)).toMatchObject({ hiddenSize: 20, headSize: 5, numHeads: 3, relativeBuckets: 14, relativeMaxDistance: 19, epsilon: 1e-5, activation: 'gelu_new', isGated: true });
    expect(readT5Config(configs.gelu)).toMatchObject({ activation: 'gelu', isGated: false });
  });

  it('lets each field pass that transformers writes of any model', () => {
    const { model_type: _, ...others } = common;
    for (const [name, value] of Object.entries(others)) expect(readT5Config({ ...tiny, [name]: value }), name).toEqual(readT5Config(tiny));
  });

  it.each([
    [{ feed_forward_proj: 'gated-silu' }, 'Expected text_encoder.feed_forward_proj of relu, gelu, gated-gelu, got "gated-silu"'],
    [{ dense_act_fn: 'silu' }, 'Expected text_encoder.dense_act_fn of relu, as feed_forward_proj is relu, got "silu"'],
    [{ is_gated_act: true }, 'Expected text_encoder.is_gated_act of false, as feed_forward_proj is relu, got true'],
    [{ d_kv: undefined }, 'Expected text_encoder.d_kv of 1 to 1048576, got none'],
    [{ num_heads: 1.5 }, 'Expected text_encoder.num_heads of 1 to 1024, got 1.5'],
    [{ relative_attention_num_buckets: 3 }, 'Expected text_encoder.relative_attention_num_buckets of 4 to 4096, got 3'],
    [{ relative_attention_max_distance: 2 }, 'Expected text_encoder.relative_attention_max_distance of more than 2, as there are 8 buckets, got 2'],
    [{ layer_norm_epsilon: 0 }, 'Expected text_encoder.layer_norm_epsilon of a number above 0, got 0'],
    [{ model_type: 'umt5' }, 'Expected text_encoder.model_type of t5, got "umt5"'],
    [{ is_decoder: true }, 'Expected text_encoder.is_decoder of false, got true'],
    [{ pruned_heads: { 1: [0] } }, 'Expected text_encoder to have known fields, got pruned_heads of {"1":[0]}'],
    [{ scalable_attention: true }, 'Expected text_encoder to have known fields, got scalable_attention of true'],
  ])('refuses %o by name', (change, message) => {
    expect(() => readT5Config({ ...tiny, ...change })).toThrow(expect.objectContaining({ name: 'InvalidInput', message }));
  });

  it.each([[null], ['t5'], [[]], [undefined]])('refuses %o', (json) => {
    expect(() => readT5Config(json)).toThrow(/^Expected text_encoder to be an object, got/);
  });
});
