import { describe, expect, it } from 'vitest';
import { BadSubmission } from '../../../genki/errors.ts';
import { updateCosine } from '../../../genki/evaluation/similarity.ts';
import { adapterDelta } from '../../../genki/federation/merge.ts';
import { initialAdapter, mergedWeights } from '../../../genki/music/adapted-net.ts';
import { adaptableLinears, type Adapter, type AdapterLayer, adapterConfigJson, decodeAdapter, encodeAdapter, loraLayers, type LoraConfig, targetLinears, updateNorm } from '../../../genki/music/lora.ts';
import { adapterOf, startParameters } from '../../../genki/music/trainable.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../../genki/protocol/safetensors.ts';
import { goldenBytes, goldenJson, TINY } from './support/goldens.ts';
import { TOY, TOY_LORA } from './support/toys.ts';

const QV: LoraConfig = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'], rslora: false };
const ALL: LoraConfig = { rank: 4, alpha: 8, targets: ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'], rslora: true };
const FIRST = 'base_model.model.decoder.model.decoder.layers.0.self_attn.q_proj.lora_A.weight';

/** An adapter as training leaves it: B is no longer 0. */
function trained(seed: string): Adapter {
  const random = new Random(seed);
  const adapter = initialAdapter(TOY, TOY_LORA, random);
  for (const { b } of adapter.layers.values()) b.forEach((_, i) => (b[i] = random.normal()));
  return adapter;
}

describe('adapter files', () => {
  it('give back the adapter that was written', () => {
    const adapter = trained('round trip');
    expect(decodeAdapter(encodeAdapter(adapter), { music: TOY, lora: TOY_LORA })).toEqual(adapter);
  });

  it.each([['qv', QV, 8], ['all', ALL, 20]])("are read as PEFT's own: %s", (name, lora, layers) => {
    const bytes = goldenBytes(`adapter-${name}/adapter_model.safetensors`);
    const adapter = decodeAdapter(bytes, { music: TINY, lora });
    expect(adapter.layers.size).toBe(layers);
    expect(decodeSafetensors(encodeAdapter(adapter)).tensors).toEqual(decodeSafetensors(bytes).tensors);
  });

  it.each([['qv', QV], ['all', ALL]])("are described as PEFT's own: %s", (name, lora) => {
    const ours = JSON.parse(adapterConfigJson(lora, 'tiny-musicgen')) as Record<string, unknown>;
    const { target_modules: theirPattern, ...theirs } = goldenJson(`adapter-${name}/adapter_config.json`) as Record<string, unknown>;
    const { target_modules: pattern, ...rest } = ours;
    expect(theirs).toMatchObject(rest);
    const modules = [...decodeAdapter(goldenBytes(`adapter-${name}/adapter_model.safetensors`), { music: TINY, lora }).layers.keys()];
    const others = ['text_encoder.encoder.block.0.layer.0.SelfAttention.q', 'audio_encoder.decoder.layers.0.fc1', 'decoder.lm_heads.0'];
    for (const regex of [pattern, theirPattern]) {
      const whole = new RegExp(`^(?:${regex as string})$`);
      expect([...modules, ...others].filter((module) => whole.test(module))).toEqual(modules);
    }
  });
});

describe('decodeAdapter', () => {
  const written = (change: (tensors: Map<string, HostTensor>) => void): Uint8Array => {
    const tensors = new Map(decodeSafetensors(encodeAdapter(trained('hostile'))).tensors);
    change(tensors);
    return encodeSafetensors(tensors);
  };
  const floats = (shape: readonly number[], fill = 0): HostTensor => ({ shape, dtype: 'F32', data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill) });
  const spoilt = (value: number) => written((tensors) => tensors.set(FIRST, { ...floats([4, 32]), data: new Float32Array(128).fill(value, 70, 71) }));

  it.each([
    ['a missing tensor', written((tensors) => tensors.delete(FIRST)), `Expected tensor ${FIRST}, got none`],
    ['an unknown tensor', written((tensors) => { tensors.delete(FIRST); tensors.set(FIRST.replace('q_proj', 'x_proj'), floats([4, 32])); }), FIRST],
    ['one tensor too many', written((tensors) => { tensors.set(FIRST, floats([4, 31])); tensors.set('extra', floats([1])); }), '[4, 31]'],
    ['a tensor more than the model has room for', written((tensors) => tensors.set('extra', floats([1]))), 'at most'],
    ['a surplus empty tensor', written((tensors) => tensors.set('extra', floats([0]))), 'unknown tensor extra'],
    ['another rank', written((tensors) => tensors.set(FIRST, floats([2, 32]))), 'F32 [4, 32], got F32 [2, 32]'],
    ['a transposed shape', written((tensors) => tensors.set(FIRST, floats([32, 4]))), 'got F32 [32, 4]'],
    ['another dtype', written((tensors) => tensors.set(FIRST, { ...floats([4, 32]), dtype: 'F16' })), 'got F16 [4, 32]'],
    ['integers', written((tensors) => tensors.set(FIRST, { shape: [4, 32], dtype: 'I32', data: new Int32Array(128) })), 'got I32 [4, 32]'],
    ['NaN', spoilt(NaN), 'to be finite, got NaN at 70'],
    ['infinity', spoilt(-Infinity), 'to be finite, got -Infinity at 70'],
    ['too large an update', written((tensors) => tensors.set(FIRST, floats([4, 32], 1e6))), 'norm at most 1000'],
    ['an update beyond what numbers hold', written((tensors) => { for (const [name, { shape }] of tensors) tensors.set(name, floats(shape, 3e38)); }), 'norm at most 1000'],
    ['no tensors', encodeSafetensors(new Map()), 'got none'],
    ['other bytes', new TextEncoder().encode('not a safetensors file at all'), 'header'],
    ['no bytes', new Uint8Array(0), '0 bytes'],
  ])('refuses %s', (_, bytes, message) => {
    const read = () => decodeAdapter(bytes, { music: TOY, lora: TOY_LORA, maxNorm: 1000 });
    expect(read).toThrow(BadSubmission);
    expect(read).toThrow(message);
  });

  it('refuses a file at whatever byte it is cut', () => {
    const bytes = encodeAdapter(trained('cut'));
    const random = new Random('cuts');
    for (let i = 0; i < 50; i++) {
      expect(() => decodeAdapter(bytes.subarray(0, random.int(bytes.length)), { music: TOY, lora: TOY_LORA })).toThrow(BadSubmission);
    }
  });
});

describe('factors that cancel out', () => {
  /** The same change of the weights, with a pair of ranks of that size beside it whose product is 0. */
  function padded(adapter: Adapter, size: number): Adapter {
    const random = new Random('cancelling');
    const layers = [...adapter.layers].map(([module, layer]) => {
      const [a, b] = [Float32Array.from(layer.a), Float32Array.from(layer.b)];
      const [one, other] = [layer.rank - 2, layer.rank - 1];
      for (let i = 0; i < layer.in; i++) a[one * layer.in + i] = a[other * layer.in + i] = size * random.normal();
      for (let o = 0; o < layer.out; o++) b[o * layer.rank + other] = -(b[o * layer.rank + one] = size * random.normal());
      return [module, { ...layer, a, b }] as const;
    });
    return { ...adapter, layers: new Map(layers) };
  }
  const half = (): Adapter => padded(trained('half of its rank'), 0);
  const read = (adapter: Adapter): Adapter => decodeAdapter(encodeAdapter(adapter), { music: TOY, lora: TOY_LORA, maxNorm: 1000 });

  it('are refused where they would hide whose update it is', () => {
    // the same weights, a norm of 0, and so the cosine of nothing with everything
    const hidden = padded(half(), 1e5);
    const [one, same] = [dense(half()), dense(hidden)];
    expect(Math.max(...one.map((value, i) => Math.abs(value - same[i]!)))).toBeLessThan(1e-4);
    expect(updateNorm(hidden)).toBe(0);
    expect(() => read(hidden)).toThrow(BadSubmission);
    expect(() => read(hidden)).toThrow('Expected factors of norm at most 10000, got');
  });

  it('change nothing below that', () => {
    const allowed = read(padded(half(), 2));
    expect(updateNorm(allowed)).toBeCloseTo(updateNorm(half()), 6);
    expect(updateCosine(allowed, half())).toBeCloseTo(1, 9);
  });

  function dense(adapter: Adapter): number[] {
    return [...adapterDelta(adapter).values()].flatMap((delta) => [...delta]);
  }
});

describe('initialAdapter', () => {
  it('names a target that no layer has', () => {
    expect(() => initialAdapter(TOY, { ...TOY_LORA, targets: ['q_proj', 'qkv'] }, new Random('x'))).toThrow('got qkv');
    expect(() => initialAdapter(TOY, { ...TOY_LORA, targets: [] }, new Random('x'))).toThrow('got none');
  });

  it('starts with A within 1/√in and B at 0', () => {
    for (const { a, b, in: columns } of initialAdapter(TOY, TOY_LORA, new Random('x')).layers.values()) {
      expect(Math.max(...a.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(columns));
      expect(a.some((value) => value < 0) && a.some((value) => value > 0)).toBe(true);
      expect(b.every((value) => value === 0)).toBe(true);
    }
  });
});

describe('a configuration of single modules', () => {
  const [Q, FC2, HEAD] = ['decoder.model.decoder.layers.1.self_attn.q_proj', 'decoder.model.decoder.layers.0.fc2', 'decoder.lm_heads.1'];
  const SINGLE: LoraConfig = { ...TOY_LORA, rslora: true, modules: { [HEAD]: { rank: 1, alpha: 3 }, [Q]: { rank: 4, alpha: 2 }, [FC2]: { rank: 9, alpha: 6 } } };

  it('gives each its own rank and scale, in the order of the model', () => {
    expect(loraLayers(TOY, SINGLE)).toEqual([
      { module: FC2, in: 64, out: 32, rank: 9, scale: 2 },
      { module: Q, in: 32, out: 32, rank: 4, scale: 1 },
      { module: HEAD, in: 32, out: 16, rank: 1, scale: 3 },
    ]);
  });

  it('is begun, trained, written and read as it says', () => {
    const adapter = initialAdapter(TOY, SINGLE, new Random('single'));
    const parameters = startParameters(TOY, { kind: 'lora', lora: SINGLE, adapter }, { weights: new Map(), seed: 'x' });
    expect(parameters.map(({ shape }) => shape)).toEqual([[9, 64], [32, 9], [4, 32], [32, 4], [1, 32], [16, 1]]);
    expect(adapterOf(TOY, SINGLE, parameters)).toEqual(adapter);
    expect(decodeAdapter(encodeAdapter(adapter), { music: TOY, lora: SINGLE })).toEqual(adapter);
  });

  it('may be of all that is linear or a table, but the words', () => {
    const modules = adaptableLinears(TOY).map(({ module }) => module);
    expect(modules).toEqual(expect.arrayContaining(['enc_to_dec_proj', 'decoder.model.decoder.embed_tokens.3', ...targetLinears(TOY, TOY_LORA).map(({ module }) => module)]));
    expect(modules.filter((module) => module.startsWith('text_encoder'))).toEqual([]);
    expect(modules.length).toBe(1 + 4 + 20 + 4);
  });

  it('names a module that is not there', () => {
    expect(() => loraLayers(TOY, { ...SINGLE, modules: { [Q]: { rank: 1, alpha: 1 }, 'text_encoder.shared': { rank: 1, alpha: 1 } } })).toThrow('got text_encoder.shared');
    expect(() => loraLayers(TOY, { ...SINGLE, modules: {} })).toThrow('got none');
  });
});

describe('startParameters', () => {
  const start = (adapter: Adapter) => () => startParameters(TOY, { kind: 'lora', lora: TOY_LORA, adapter }, { weights: new Map(), seed: 'x' });

  it('refuses an adapter that training would count otherwise', () => {
    const adapter = trained('start');
    const [module, layer] = [...adapter.layers][0]!;
    const other = (name: string, changed: AdapterLayer): Adapter => ({ ...adapter, layers: new Map(adapter.layers).set(name, changed) });
    expect(start(adapter)).not.toThrow();
    expect(start(other(module, { ...layer, scale: 1 }))).toThrow(`the scale 2 in ${module}, got the scale 1`);
    expect(start(other('decoder.lm_heads.0', layer))).toThrow('Expected an adapter with nothing in decoder.lm_heads.0');
    expect(start({ ...adapter, layers: new Map([...adapter.layers].slice(1)) })).toThrow(`${module}.lora_A.weight [4, 32], got none`);
  });
});

describe('mergedWeights', () => {
  it('names a weight that is not there', () => {
    expect(() => mergedWeights(new Map(), trained('merge'))).toThrow('layers.0.self_attn.q_proj.weight to merge into');
  });
});

describe('updateNorm', () => {
  it('is the norm of the change that merging makes', () => {
    const weights = initialWeights(TOY, new Random('norm'));
    const adapter = trained('norm');
    const merged = mergedWeights(weights, adapter);
    let sum = 0;
    for (const [name, { data }] of merged) data.forEach((value, i) => (sum += (value - weights.get(name)!.data[i]!) ** 2));
    expect(updateNorm(adapter) / Math.sqrt(sum)).toBeCloseTo(1, 5);
  });

  it('is 0 for an adapter that has not learnt', () => {
    expect(updateNorm(initialAdapter(TOY, TOY_LORA, new Random('zero')))).toBe(0);
  });
});
