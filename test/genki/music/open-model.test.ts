import { copyFile, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { languageWeights, openCodec, openConditioner, openModel } from '../../../genki/music/open-model.ts';
import { weightSpecs } from '../../../genki/music/weights.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors, type HostTensor, type TensorMap } from '../../../genki/protocol/safetensors.ts';
import { sourceOf, type TensorSource } from '../../../genki/protocol/tensor-source.ts';
import { createEngine } from './support/engines.ts';
import { goldenBytes, goldenJson, TINY } from './support/goldens.ts';

const TINY_FOLDER = fileURLToPath(new URL('../../goldens/tiny-musicgen', import.meta.url));
const RUBY_FOLDER = fileURLToPath(new URL('../../../dama/ruby-nano', import.meta.url));
const CONFIG = goldenJson('tiny-musicgen/config.json') as Record<string, unknown>;
const { tensors: TENSORS } = decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors'));

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-model-'));
  engine = await createEngine();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await engine.dispose();
});

const f32 = (...shape: number[]): HostTensor => ({ dtype: 'F32', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });

/** A folder with the tiny model, but for what is changed; undefined leaves out. */
async function folderWith(changes: Record<string, HostTensor | undefined>, config: unknown = CONFIG): Promise<string> {
  const own = await mkdtemp(join(folder, 'model-'));
  const tensors = new Map<string, HostTensor>([...TENSORS].filter(([name]) => !(name in changes)));
  for (const [name, tensor] of Object.entries(changes)) if (tensor) tensors.set(name, tensor);
  await writeFile(join(own, 'model.safetensors'), encodeSafetensors(tensors));
  await writeFile(join(own, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return own;
}

/** A source that says which tensors were read, and fails when two are asked for at once. */
function watched(source: TensorSource): TensorSource & { readonly reads: string[] } {
  const reads: string[] = [];
  let isReading = false;
  return {
    ...source,
    reads,
    async read(name) {
      if (isReading) throw new Error('two at once');
      isReading = true;
      reads.push(name);
      const tensor = await source.read(name);
      isReading = false;
      return tensor;
    },
  };
}

describe('openModel', () => {
  it("opens a MusicGen in Hugging Face's layout", async () => {
    const model = await openModel(TINY_FOLDER);
    expect(model.music).toMatchObject(TINY);
    expect(model.strangers).toEqual([]);
    expect(model.tokenizer).toBeUndefined();
    expect(await model.digest()).toBe(contentDigest(TENSORS));
    await model.close();
    expect(await model.digest()).toBe(contentDigest(TENSORS));
    await expect(model.weights.read('enc_to_dec_proj.weight')).rejects.toThrow();
  });

  it('opens a Dama of our own, with its words and its codec', async () => {
    const model = await openModel(RUBY_FOLDER);
    const { tensors } = decodeSafetensors(await readFile(join(RUBY_FOLDER, 'model.safetensors')));
    expect(model.strangers).toEqual([]);
    expect(contentDigest(await languageWeights(model))).toBe(contentDigest(tensors));
    expect(await model.digest()).toBe(contentDigest(tensors));
    const told = await openConditioner(engine, model).tell(['calm']);
    expect(told.mask[0]).toBe(1);
    const codec = openCodec(engine, model);
    expect([codec.frameRate, codec.numCodebooks, codec.channels]).toEqual([12, 4, 1]);
    await model.close();
  });

  it('names what a file holds beside the model, but for what is known and not needed', async () => {
    const own = await folderWith({
      'decoder.model.decoder.embed_positions.weights': f32(64, 32),
      'text_encoder.encoder.embed_tokens.weight': TENSORS.get('text_encoder.shared.weight'),
      'audio_encoder.quantizer.layers.4.codebook.embed': f32(64, 8),
      'lm_head.weight': f32(1),
      'optimizer.step': { dtype: 'I64', shape: [1], data: Int32Array.of(1) },
    });
    const model = await openModel(own);
    expect([...model.strangers].sort()).toEqual(['lm_head.weight', 'optimizer.step']);
    await model.close();
  });

  it("takes T5's table under its other name", async () => {
    const own = await folderWith({ 'text_encoder.shared.weight': undefined, 'text_encoder.encoder.embed_tokens.weight': TENSORS.get('text_encoder.shared.weight') });
    await (await openModel(own)).close();
  });

  it('takes the older names of weight norms', async () => {
    const older = [...TENSORS].filter(([name]) => name.includes('parametrizations')).flatMap(([name, tensor]) => [
      [name, undefined],
      [name.replace('parametrizations.weight.original0', 'weight_g').replace('parametrizations.weight.original1', 'weight_v'), tensor],
    ]);
    const model = await openModel(await folderWith(Object.fromEntries(older) as Record<string, HostTensor | undefined>));
    expect(model.strangers).toEqual([]);
    await model.close();
  });

  const projection = TENSORS.get('enc_to_dec_proj.weight')!;
  it.each<[string, Record<string, HostTensor | undefined>, string]>([
    ['a decoder without a layer', { 'decoder.model.decoder.layers.1.fc2.weight': undefined }, 'Expected a tensor decoder.model.decoder.layers.1.fc2.weight, got none'],
    ['a projection turned round', { 'enc_to_dec_proj.weight': { ...projection, shape: [24, 32] } }, 'Expected tensor enc_to_dec_proj.weight to be float [32, 24], got F32 [24, 32]'],
    ['a projection of integers', { 'enc_to_dec_proj.weight': { dtype: 'I32', shape: [32, 24], data: new Int32Array(768) } }, 'got I32 [32, 24]'],
    ['a text encoder without its table', { 'text_encoder.shared.weight': undefined }, 'Expected a tensor text_encoder.shared.weight, got none'],
    ['a text encoder of another size', { 'text_encoder.encoder.final_layer_norm.weight': f32(23) }, 'to be float [24], got F32 [23]'],
    ['a codec without a layer', { 'audio_encoder.decoder.layers.0.conv.bias': undefined }, 'Expected a tensor audio_encoder.decoder.layers.0.conv.bias, got none'],
    ['a codec with half a weight norm', { 'audio_encoder.decoder.layers.0.conv.parametrizations.weight.original1': undefined }, 'original1, got none'],
    ['a codec of fewer codebooks', { 'audio_encoder.quantizer.layers.3.codebook.embed': undefined }, 'audio_encoder.quantizer.layers.3.codebook.embed, got none'],
    ['a codebook of another size', { 'audio_encoder.quantizer.layers.3.codebook.embed': f32(63, 8) }, 'to be float [64, 8], got F32 [63, 8]'],
  ])('refuses %s, and closes its file', async (_, changes, reason) => {
    const own = await folderWith(changes);
    await expect(openModel(own)).rejects.toThrow(InvalidInput);
    await expect(openModel(own)).rejects.toThrow(reason);
    if (process.platform !== 'linux') return;
    const open = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    expect(open.filter((path) => path.startsWith(own))).toEqual([]);
  });

  it('refuses a folder without a config, with one that is none, and with a pickle', async () => {
    const own = await mkdtemp(join(folder, 'odd-'));
    await expect(openModel(own)).rejects.toThrow(`Expected ${join(own, 'config.json')}, got none`);
    await writeFile(join(own, 'config.json'), 'musicgen');
    await expect(openModel(own)).rejects.toThrow(`Expected ${join(own, 'config.json')} to be JSON, got other text`);
    await copyFile(join(TINY_FOLDER, 'config.json'), join(own, 'config.json'));
    await writeFile(join(own, 'pytorch_model.bin'), 'PK');
    await expect(openModel(own)).rejects.toThrow(`Expected safetensors, got a pickle ${join(own, 'pytorch_model.bin')}, which is never opened`);
  });
});

describe('openConditioner', () => {
  it('says what to do where there is no tokenizer, or half of one', async () => {
    const own = await folderWith({});
    for (const file of [undefined, 'tokenizer.json']) {
      if (file !== undefined) await writeFile(join(own, file), '{}');
      const model = await openModel(own);
      expect(() => openConditioner(engine, model)).toThrow('Expected tokenizer.json and tokenizer_config.json beside');
      await model.close();
    }
    await writeFile(join(own, 'tokenizer_config.json'), '{"a":1}');
    const model = await openModel(own);
    expect(model.tokenizer).toEqual({ json: '{}', config: '{"a":1}' });
    await model.close();
  });

  it('needs a model that makes its own states', () => {
    const music = { ...TINY, codec: { kind: 'apu', frameRate: 12, frames: 12 } } as const;
    expect(() => openConditioner(engine, { music, weights: sourceOf(new Map()) })).toThrow("Expected a model with a text encoder, got one that is told another model's states");
  });
});

describe('languageWeights', () => {
  it("reads the language model's tensors only, one after the other", async () => {
    const weights = watched(sourceOf(TENSORS));
    const read = await languageWeights({ music: TINY, weights });
    const specs = weightSpecs(TINY);
    expect(weights.reads).toEqual(specs.map(({ name }) => name));
    expect(contentDigest(read)).toBe(contentDigest(new Map(specs.map(({ name }) => [name, TENSORS.get(name)!]))));
  });

  it('gives float32, whatever a file holds', async () => {
    const { tensors: halves } = decodeSafetensors(encodeSafetensors(new Map([...TENSORS].map(([name, tensor]) => [name, { ...tensor, dtype: 'BF16' } as HostTensor]))));
    const read: TensorMap = await languageWeights({ music: TINY, weights: sourceOf(halves) });
    const expected = [...read.keys()].map((name): [string, HostTensor] => [name, { ...halves.get(name)!, dtype: 'F32' }]);
    expect(contentDigest(read)).toBe(contentDigest(new Map(expected)));
  });

  it('names a tensor that is not there', async () => {
    const weights = sourceOf(new Map([...TENSORS].filter(([name]) => name !== 'decoder.lm_heads.2.weight')));
    await expect(languageWeights({ music: TINY, weights })).rejects.toThrow('Expected a tensor decoder.lm_heads.2.weight, got none');
  });
});
