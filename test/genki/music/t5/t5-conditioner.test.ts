import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../genki/engine/engine.ts';
import { loadTfjs } from '../../../../genki/engine/tfjs/load-tfjs.ts';
import { createTfjsEngine } from '../../../../genki/engine/tfjs/tfjs-engine.ts';
import { readT5Config } from '../../../../genki/music/t5/read-config.ts';
import { t5Conditioner } from '../../../../genki/music/t5/t5-conditioner.ts';
import { createTokenizer } from '../../../../genki/music/t5/tokenizer.ts';
import type { TextBatch } from '../../../../genki/music/text.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { decodeSafetensors, type HostTensor } from '../../../../genki/protocol/safetensors.ts';
import { sourceOf, type TensorSource } from '../../../../genki/protocol/tensor-source.ts';
import { createEngine, machineEngines } from '../support/engines.ts';
import { expectClose, golden, goldenBytes, goldenJson, goldens } from '../support/goldens.ts';

const text = (path: string): string => new TextDecoder().decode(goldenBytes(path));
const tokenizer = { json: text('t5/tiny-tokenizer/tokenizer.json'), config: text('t5/tiny-tokenizer/tokenizer_config.json') };
const config = readT5Config((goldenJson('tiny-musicgen/config.json') as { text_encoder: unknown }).text_encoder);
const { tensors } = decodeSafetensors(goldenBytes('tiny-musicgen/model.safetensors'));
const D = config.hiddenSize;

/** A source that counts what is read of it. */
function counted(from: ReadonlyMap<string, HostTensor>): { source: TensorSource; reads: string[] } {
  const reads: string[] = [];
  const whole = sourceOf(from);
  return { reads, source: { ...whole, read: async (name) => (reads.push(name), await whole.read(name)) } };
}

const statesOf = ({ content }: TextBatch): Float32Array => {
  if (content.kind !== 'states') throw new Error(`Expected states, got ${content.kind}`);
  return content.states;
};
/** The states of one text, without its padding. */
function rowOf(batch: TextBatch, row: number): number[] {
  const words = batch.mask.subarray(row * batch.length, (row + 1) * batch.length).reduce((sum, is) => sum + is, 0);
  return [...statesOf(batch).subarray(row * batch.length * D, (row * batch.length + words) * D)];
}

const SENTENCES = ['a slow sad piano', '', 'drums', 'the 80s; with strings and a very long end of it', 'a sad slow piano', 'é🎹', 'drums'];

describe.each(await machineEngines())("T5's conditioner on %s", (_, create) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });
  afterAll(() => engine.dispose());
  const conditioner = (weights: TensorSource = sourceOf(tensors)) => t5Conditioner(engine, { config, weights, tokenizer });

  it("gives Hugging Face's states of texts, but for their padding", async () => {
    const expected = goldens('t5/told.safetensors');
    const mask = golden(expected, 'attention_mask');
    const own = conditioner();
    const told = await own.tell(goldenJson('t5/told.json') as string[]);
    expect([told.rows, told.length]).toEqual(mask.shape);
    expect([...told.mask]).toEqual([...mask.data]);
    const { data } = golden(expected, 'states');
    expectClose(statesOf(told), Array.from(data, (value, i) => value * mask.data[Math.floor(i / D)]!), 1e-5, 'states');
    await own.dispose();
  });

  it('gives a text the same states in any company and order', async () => {
    const random = new Random('company');
    const words = ['a', 'slow', 'sad', 'piano', 'with', 'drums', 'in', 'the', 'end'];
    const lines = Array.from({ length: 24 }, () => Array.from({ length: 1 + random.int(5) }, () => random.pick(words)).join(' '));
    const own = conditioner();
    const together = await own.tell(lines);
    await own.dispose();
    const shuffled = random.shuffle(lines.map((_line, row) => row));
    const other = await own.tell(shuffled.map((row) => lines[row]!));
    await own.dispose();
    for (const [at, row] of shuffled.entries()) expect(rowOf(other, at)).toEqual(rowOf(together, row));
    for (const row of [0, 7, 23]) {
      expect(rowOf(await own.tell([lines[row]!]), 0)).toEqual(rowOf(together, row));
      await own.dispose();
    }
  });
});

describe("T5's conditioner", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });
  afterAll(() => engine.dispose());
  const conditioner = (weights: TensorSource = sourceOf(tensors)) => t5Conditioner(engine, { config, weights, tokenizer });

  it('tells a row a text, padded to the longest with 0', async () => {
    const own = conditioner();
    const told = await own.tell(SENTENCES);
    await own.dispose();
    const lengths = SENTENCES.map((line) => createTokenizer(tokenizer).encode(line).length);
    expect(told).toMatchObject({ rows: SENTENCES.length, length: Math.max(...lengths) });
    expect(lengths[1]).toBe(1);
    for (const [row, length] of lengths.entries()) {
      for (let i = 0; i < told.length; i++) {
        expect(told.mask[row * told.length + i]).toBe(i < length ? 1 : 0);
        const state = statesOf(told).subarray((row * told.length + i) * D, (row * told.length + i + 1) * D);
        expect(state.some((value) => value !== 0)).toBe(i < length);
      }
    }
    expect(rowOf(told, 6)).toEqual(rowOf(told, 2));
  });

  it('loads the encoder for the first text that is new, and lets it go', async () => {
    const { source, reads } = counted(tensors);
    const own = conditioner(source);
    expect(reads).toEqual([]);
    const first = await own.tell(['piano']);
    const once = reads.length;
    expect(once).toBe(19);
    expect(await own.tell(['piano', 'drums'])).toMatchObject({ rows: 2 });
    expect(reads.length).toBe(once);
    await own.dispose();
    await own.dispose();
    expect(rowOf(await own.tell(['piano']), 0)).toEqual(rowOf(first, 0));
    expect(reads.length).toBe(2 * once);
    await own.dispose();
  });

  it('can be asked and disposed at once', async () => {
    const { source, reads } = counted(tensors);
    const own = conditioner(source);
    const [a, b, , c] = await Promise.all([own.tell(['piano']), own.tell(['drums']), own.dispose(), own.tell(['piano', 'drums'])]);
    expect(rowOf(c, 0)).toEqual(rowOf(a, 0));
    expect(rowOf(c, 1)).toEqual(rowOf(b, 0));
    expect(reads.length).toBe(2 * 19);
    await own.dispose();
  });

  it("takes the embedding's table under its other name", async () => {
    const renamed = new Map([...tensors].map(([name, tensor]) => [name === 'text_encoder.shared.weight' ? 'text_encoder.encoder.embed_tokens.weight' : name, tensor]));
    const own = conditioner(sourceOf(renamed));
    expect(rowOf(await own.tell(['piano']), 0)).toEqual(rowOf(await conditioner().tell(['piano']), 0));
    await own.dispose();
  });

  it.each<[string, Map<string, HostTensor>, string]>([
    ['missing', new Map([...tensors].filter(([name]) => name !== 'text_encoder.encoder.final_layer_norm.weight')), 'Expected a tensor text_encoder.encoder.final_layer_norm.weight, got none'],
    ['of another shape', new Map([...tensors, ['text_encoder.shared.weight', { shape: [24, 48], dtype: 'F32', data: new Float32Array(24 * 48) }]]), 'Expected tensor text_encoder.shared.weight to be float [48, 24], got F32 [24, 48]'],
  ])('names a tensor that is %s, and tells again once it is there', async (_name, broken, message) => {
    const sources = [sourceOf(broken)];
    const whole = sourceOf(tensors);
    const source: TensorSource = { get specs() { return (sources[0] ?? whole).specs; }, read: (name) => (sources[0] ?? whole).read(name), close: whole.close };
    const own = conditioner(source);
    await expect(own.tell(['piano'])).rejects.toThrow(expect.objectContaining({ name: 'InvalidInput', message }));
    sources.pop();
    expect(await own.tell(['piano'])).toMatchObject({ rows: 1 });
    await own.dispose();
  });

  it.each([
    ['no text at all', [], 'Expected at least one text, got none'],
    ['a text of too many characters', ['ok', 'a'.repeat(4097)], 'Expected a text of at most 4096 characters, got 4097'],
    ['a text of too many tokens', ['c'.repeat(511)], 'Expected a text of at most 512 tokens, got 513'],
  ])('refuses %s', async (_name, texts, message) => {
    await expect(conditioner().tell(texts)).rejects.toThrow(expect.objectContaining({ name: 'InvalidInput', message }));
  });

  it('takes a text of exactly as many tokens as it may', async () => {
    const own = conditioner();
    expect((await own.tell(['c'.repeat(510)])).length).toBe(512);
    await own.dispose();
  });

  it('refuses a tokenizer of a larger vocabulary', async () => {
    const own = t5Conditioner(engine, { config: { ...config, vocabSize: 20 }, weights: sourceOf(tensors), tokenizer });
    await expect(own.tell(['strings'])).rejects.toThrow('Expected tokens of a text encoder that knows 20, got');
  });
});

describe('on an engine that counts its tensors', () => {
  it('telling leaves none behind once it is disposed, nor does it when it fails', async () => {
    const { tf } = await loadTfjs('cpu');
    const engine = await createTfjsEngine({ backend: 'cpu' });
    const before = tf.memory().numTensors;
    const own = t5Conditioner(engine, { config, weights: sourceOf(tensors), tokenizer });
    await own.tell(['piano']);
    const held = tf.memory().numTensors;
    await own.tell(SENTENCES);
    expect(tf.memory().numTensors).toBe(held);
    await own.dispose();
    expect(tf.memory().numTensors).toBe(before);

    const last = 'text_encoder.encoder.final_layer_norm.weight';
    const broken = new Map([...tensors, [last, { shape: [23], dtype: 'F32' as const, data: new Float32Array(23) }]]);
    await expect(t5Conditioner(engine, { config, weights: sourceOf(broken), tokenizer }).tell(['piano'])).rejects.toThrow(last);
    expect(tf.memory().numTensors).toBe(before);
    await engine.dispose();
  });
});
