import { describe, expect, it } from 'vitest';
import { BadSubmission } from '../../../../genki/errors.ts';
import { readPeftConfig } from '../../../../genki/music/peft/peft-config.ts';
import { goldenBytes } from '../support/goldens.ts';

const PLAIN = { peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: ['q_proj'] };
const read = (more: Record<string, unknown>): unknown => readPeftConfig(JSON.stringify({ ...PLAIN, ...more }));

describe('readPeftConfig', () => {
  it.each(['adapter-qv', 'adapter-all', 'peft/patterns', 'peft/wide', 'peft/brain'])('reads what PEFT wrote: %s', (folder) => {
    expect(readPeftConfig(goldenBytes(`${folder}/adapter_config.json`))).toMatchObject({ base_model_name_or_path: 'tiny-musicgen' });
  });

  it.each([
    ['peft_type', 'IA3'],
    ['modules_to_save', ['lm_heads']],
    ['bias', 'all'],
    ['bias', 'lora_only'],
    ['use_dora', true],
    ['lora_bias', true],
    ['layer_replication', [[0, 2]]],
    ['trainable_token_indices', [1]],
    ['trainable_token_indices', { embed_tokens: [1] }],
    ['target_parameters', ['weight']],
    ['megatron_config', { x: 1 }],
    ['loftq_config', { loftq_bits: 4 }],
    ['init_lora_weights', 'loftq'],
    ['init_lora_weights', 'pissa_niter_4'],
    ['init_lora_weights', 'olora'],
    ['corda_config', { corda_method: 'ipm' }],
    ['use_qalora', true],
    ['alora_invocation_tokens', [1, 2]],
    ['fan_in_fan_out', true],
    ['use_bdlora', 1],
    ['something_of_2030', 'on'],
    ['__proto__x', [0]],
    ['r', 0],
    ['r', 2.5],
    ['r', 1e9],
    ['lora_alpha', 'eight'],
    ['rank_pattern', { fc1: -1 }],
    ['alpha_pattern', ['fc1']],
    ['target_modules', null],
    ['target_modules', [1]],
    ['layers_to_transform', ['1']],
    ['layers_pattern', 'layers'],
  ])('refuses %s %j by name', (field, value) => {
    expect(() => read({ [field]: value })).toThrow(BadSubmission);
    expect(() => read({ [field]: value })).toThrow(field);
  });

  it('refuses layers to transform where one pattern says all', () => {
    expect(() => read({ target_modules: '.*fc1', layers_to_transform: [1] })).toThrow('layers_to_transform');
  });

  it('takes what it does not know where that is off', () => {
    const { peft_type: _, ...plain } = PLAIN;
    expect(read({ something_of_2030: null, another: false, more: [], most: {}, last: '' })).toEqual(plain);
    expect(read({ lora_dropout: 0.1, peft_version: '0.21.2', init_lora_weights: 'gaussian', task_type: 'SEQ_2_SEQ_LM' })).toEqual(plain);
  });

  it.each([
    ['no JSON', 'lora', 'JSON'],
    ['nothing', '', 'JSON'],
    ['a list', '[]', 'object'],
    ['a constant of Python', '{"peft_type": "LORA", "lora_alpha": NaN}', 'JSON'],
    ['no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'UTF-8'],
    ['10 MB', new Uint8Array(1e7).fill(0x20), 'at most 1048576 bytes, got 10000000'],
    ['a deep text', '['.repeat(1e5), '8 levels'],
    ['a text of many values', `[${'0,'.repeat(3e5)}0]`, '16384 values'],
  ])('refuses %s', (_, file, message) => {
    expect(() => readPeftConfig(file)).toThrow(BadSubmission);
    expect(() => readPeftConfig(file)).toThrow(message);
  });
});
