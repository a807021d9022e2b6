import { describe, expect, it } from 'vitest';
import { BadSubmission, InvalidInput } from '../../../../genki/errors.ts';
import { type Adapter, decodeAdapter, type LoraConfig } from '../../../../genki/music/lora.ts';
import type { AdapterBase } from '../../../../genki/music/peft/base-of.ts';
import { type PeftFiles, readPeftAdapter } from '../../../../genki/music/peft/read-peft.ts';
import { writePeft } from '../../../../genki/music/peft/write-peft.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../../../genki/protocol/safetensors.ts';
import { goldenBytes, TINY } from '../support/goldens.ts';
import { OUR_ADAPTERS } from './support/our-adapters.ts';

const LAYER = 'decoder.model.decoder.layers';
const filesOf = (folder: string): PeftFiles => ({ config: goldenBytes(`${folder}/adapter_config.json`), weights: goldenBytes(`${folder}/adapter_model.safetensors`) });
const read = (files: PeftFiles): Adapter => readPeftAdapter(files, { music: TINY });

describe('readPeftAdapter', () => {
  it.each<[string, LoraConfig]>([
    ['adapter-qv', { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'], rslora: false }],
    ['adapter-all', { rank: 4, alpha: 8, targets: ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'], rslora: true }],
    ['peft/half', { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'], rslora: false }],
  ])('reads an adapter of one rank in the plain words of a submission: %s', (folder, lora) => {
    const adapter = read(filesOf(folder));
    expect(adapter.config).toEqual(lora);
    if (folder !== 'peft/half') expect(adapter).toEqual(decodeAdapter(filesOf(folder).weights, { music: TINY, lora }));
  });

  it('gives each layer the rank and the scale that the patterns say', () => {
    const { config, layers } = read(filesOf('peft/patterns'));
    expect(config).toMatchObject({ rank: 4, alpha: 8, targets: ['q_proj', 'out_proj', 'fc1', 'fc2'], rslora: true });
    expect(config.modules).toMatchObject({ [`${LAYER}.0.self_attn.q_proj`]: { rank: 5, alpha: 10.5 }, [`${LAYER}.0.encoder_attn.out_proj`]: { rank: 6, alpha: 8 }, [`${LAYER}.1.fc1`]: { rank: 2, alpha: 3 } });
    expect(layers.get(`${LAYER}.1.encoder_attn.q_proj`)).toMatchObject({ rank: 3, scale: 8 / Math.sqrt(3), in: 32, out: 32 });
    expect(layers.size).toBe(12);
  });

  it('names the layers where not all are chosen', () => {
    expect(read(filesOf('peft/listed')).config.modules).toEqual({ [`${LAYER}.1.self_attn.v_proj`]: { rank: 2, alpha: 3 }, [`${LAYER}.1.fc2`]: { rank: 2, alpha: 3 } });
  });

  it('turns the factors of a table into those of a weight [rows, values]', () => {
    const { layers } = read(filesOf('peft/wide'));
    const { tensors } = decodeSafetensors(filesOf('peft/wide').weights);
    const { a, b, ...size } = layers.get('decoder.model.decoder.embed_tokens.0')!;
    expect(size).toEqual({ in: 32, out: 65, rank: 2, scale: 1 });
    const theirs = tensors.get('base_model.model.decoder.model.decoder.embed_tokens.0.lora_embedding_A')!.data;
    expect(b[3 * 2 + 1]).toBe(theirs[65 + 3]);
    expect(a[32 + 5]).toBe(tensors.get('base_model.model.decoder.model.decoder.embed_tokens.0.lora_embedding_B')!.data[5 * 2 + 1]);
  });

  it('refuses one of the text encoder by name', () => {
    expect(() => read(filesOf('peft/text'))).toThrow(BadSubmission);
    expect(() => read(filesOf('peft/text'))).toThrow(/got the tensor base_model\.model\.text_encoder\.\S+, which cannot be applied here/);
  });
});

describe('the base of an adapter', () => {
  const digest = `${'A'.repeat(43)}=`;
  const other = `${'B'.repeat(43)}=`;
  const of = (base: string, expected: AdapterBase, more: Record<string, unknown> = {}) => () => {
    const { config, weights } = writePeft(OUR_ADAPTERS['stable']!, { base });
    return readPeftAdapter({ config: JSON.stringify({ ...(JSON.parse(config) as object), ...more }), weights }, { music: TINY, base: expected });
  };

  it('is its digest, or one of its names', () => {
    expect(of(digest, { digest })()).toEqual(OUR_ADAPTERS['stable']);
    expect(of('a/b', { digest, names: ['c', 'a/b'] })()).toEqual(OUR_ADAPTERS['stable']);
    expect(of('a/b', { digest, names: ['a/b'] }, { revision: 'main' })()).toEqual(OUR_ADAPTERS['stable']);
    expect(of('a/b', { digest, names: ['a/b@c0ffee'] }, { revision: 'c0ffee' })()).toEqual(OUR_ADAPTERS['stable']);
    expect(of('a/b', { digest, anyName: true })()).toEqual(OUR_ADAPTERS['stable']);
  });

  it.each([
    ["another's digest", other, { digest }, {}, `Expected an adapter of the base ${digest}, got one of ${other}`],
    ["another's digest even where any name will do", other, { digest, anyName: true }, {}, `got one of ${other}`],
    ['a name that is not known', 'a/b', { digest, names: ['c/d'] }, {}, `Expected an adapter of the base ${digest} or c/d, got one of a/b; if that is the same model, say that any name will do`],
    ['another revision', 'a/b', { digest, names: ['a/b'] }, { revision: 'c0ffee' }, 'got one of a/b@c0ffee'],
    ['no name', 'a/b', { digest, names: ['null'] }, { base_model_name_or_path: null }, 'got one of no base'],
  ])('is not %s', (_, base, expected, more, message) => {
    expect(of(base, expected, more)).toThrow(InvalidInput);
    expect(of(base, expected, more)).toThrow(message);
  });
});

describe('an adapter from outside', () => {
  const Q = `base_model.model.${LAYER}.0.self_attn.q_proj`;
  const floats = (shape: readonly number[], fill = 0): HostTensor => ({ shape, dtype: 'F32', data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill) });
  const changed = (change: (tensors: Map<string, HostTensor>) => void): PeftFiles => {
    const tensors = new Map(decodeSafetensors(filesOf('adapter-qv').weights).tensors);
    change(tensors);
    return { ...filesOf('adapter-qv'), weights: encodeSafetensors(tensors) };
  };
  const targets = (more: Record<string, unknown>): PeftFiles => ({
    ...filesOf('adapter-qv'),
    config: JSON.stringify({ ...(JSON.parse(new TextDecoder().decode(filesOf('adapter-qv').config as Uint8Array)) as object), ...more }),
  });

  it.each([
    ['a missing tensor', changed((tensors) => tensors.delete(`${Q}.lora_B.weight`)), `Expected tensor ${Q}.lora_B.weight, which adapter_config.json targets, got none`],
    ['a tensor of a layer that is not there', changed((tensors) => tensors.set(Q.replace('.0.', '.2.') + '.lora_A.weight', floats([4, 32]))), 'layers.2.self_attn.q_proj.lora_A.weight, which cannot'],
    ['a tensor of a layer that is not targeted', changed((tensors) => tensors.set(Q.replace('q_proj', 'k_proj') + '.lora_A.weight', floats([4, 32]))), 'k_proj.lora_A.weight'],
    ['a layer that is targeted and has no tensors', targets({ target_modules: ['q_proj', 'v_proj', 'fc1'] }), 'fc1.lora_A.weight, which adapter_config.json targets, got none'],
    ['a layer that has tensors and is not targeted', targets({ target_modules: ['q_proj'] }), 'v_proj.lora_'],
    ['targets that nothing has', targets({ target_modules: ['qkv'] }), 'got ["qkv"]'],
    ['a magnitude of DoRA', changed((tensors) => tensors.set(`${Q}.lora_magnitude_vector`, floats([32]))), 'lora_magnitude_vector'],
    ['a whole weight', changed((tensors) => tensors.set(`${Q}.weight`, floats([32, 32]))), `the tensor ${Q}.weight`],
    ['a linear layer as a table', changed((tensors) => tensors.set(`${Q}.lora_embedding_A`, floats([4, 32]))), 'lora_embedding_A'],
    ['a tensor under both its names', changed((tensors) => tensors.set(`${Q}.lora_A.default.weight`, floats([4, 32]))), `Expected tensor ${Q}.lora_A.weight once`],
    ['another rank', targets({ r: 3 }), 'F32, F16 or BF16 [3, 32], got F32 [4, 32]'],
    ['another rank by a pattern', targets({ rank_pattern: { 'layers.0.*v_proj': 2 } }), '[2, 32], got F32 [4, 32]'],
    ['a transposed shape', changed((tensors) => tensors.set(`${Q}.lora_A.weight`, floats([32, 4]))), 'got F32 [32, 4]'],
    ['integers', changed((tensors) => tensors.set(`${Q}.lora_A.weight`, { shape: [4, 32], dtype: 'U8', data: new Uint8Array(128) })), 'got U8 [4, 32]'],
    ['NaN', changed((tensors) => tensors.set(`${Q}.lora_B.weight`, floats([32, 4], NaN))), 'finite, got NaN at 0'],
    ['infinity in half', changed((tensors) => tensors.set(`${Q}.lora_B.weight`, { ...floats([32, 4], 70_000), dtype: 'F16' })), 'finite, got Infinity at 0'],
    ['a pickle', { ...filesOf('adapter-qv'), weights: Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20) }, 'header'],
    ['no bytes', { ...filesOf('adapter-qv'), weights: new Uint8Array(0) }, '0 bytes'],
  ])('is refused with %s', (_, files, message) => {
    expect(() => read(files)).toThrow(BadSubmission);
    expect(() => read(files)).toThrow(message);
  });

  it('is refused at whatever byte it is cut', () => {
    const { config, weights } = filesOf('adapter-qv');
    const random = new Random('cuts');
    for (let i = 0; i < 50; i++) expect(() => read({ config, weights: weights.subarray(0, random.int(weights.length)) })).toThrow(BadSubmission);
  });

  it('is read or refused by name, whatever bytes are changed', () => {
    const random = new Random('spoilt');
    const spoilt = (bytes: Uint8Array, within: number): Uint8Array => {
      const copy = bytes.slice();
      for (let n = 1 + random.int(3); n > 0; n--) copy[random.int(Math.min(within, copy.length))] = random.int(256);
      return copy;
    };
    let refused = 0;
    for (let i = 0; i < 600; i++) {
      const files = filesOf(random.pick(['peft/patterns', 'peft/brain', 'peft/listed']));
      try {
        read({ config: i % 2 === 0 ? spoilt(files.config as Uint8Array, Infinity) : files.config, weights: i % 2 === 0 ? files.weights : spoilt(files.weights, 2000) });
      } catch (error) {
        if (!(error instanceof BadSubmission)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });
});
