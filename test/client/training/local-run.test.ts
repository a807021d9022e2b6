import { cpSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalRun, runLocally, type Watching } from '../../../client/training/local-run.ts';
import type { Dataset } from '../../../genki/data/dataset.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { codecDigest } from '../../../genki/music/codec-digest.ts';
import { type OpenModel, openModel } from '../../../genki/music/open-model.ts';
import { readPeftAdapter } from '../../../genki/music/peft/read-peft.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createEngine } from '../../genki/music/support/engines.ts';

const GOLDENS = new URL('../../goldens/', import.meta.url);
const FRAMES = 24;
const random = new Random('local run');
const songs: Dataset = {
  name: 'songs',
  licence: 'CC0-1.0',
  sharing: 'private',
  clips: Array.from({ length: 6 }, (_, i) => ({ codes: Uint8Array.from({ length: 4 * FRAMES }, () => random.int(64)), numCodebooks: 4, frames: FRAMES, caption: i % 2 === 0 ? 'slow drums' : 'a piano', style: 'imported' })),
};
const HYPER = { steps: 6, batch: 2, accumulation: 2, learningRate: 1e-2, warmup: 2, guidanceDropout: 0.2, checkpointing: true, betas: [0.9, 0.95], weightDecay: 0.01, maxGradNorm: 1 } as const;
const LORA = { rank: 2, alpha: 4, targets: ['q_proj', 'fc1'], rslora: false };

let engine: Engine;
let root: string;
let model: OpenModel;
let dataset: Dataset;
beforeAll(async () => { engine = await createEngine(); });
afterAll(() => engine.dispose());
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'genki-run-'));
  for (const folder of ['tiny-musicgen', 't5/tiny-tokenizer']) cpSync(new URL(folder, GOLDENS), join(root, 'model'), { recursive: true });
  model = await openModel(join(root, 'model'));
  dataset = { ...songs, codec: (await codecDigest(model))! };
});
afterEach(async () => {
  await model.close();
  await rm(root, { recursive: true });
});

const run = async (changes: Partial<LocalRun> = {}, watching: Partial<Watching> = {}) =>
  runLocally({ engine, model, digest: await model.digest(), dataset, lora: LORA, hyper: HYPER, seed: '1', output: join(root, 'adapter'), saveEvery: 100, ...changes }, { told: () => true, stepped: () => true, ...watching });
const fileOf = async (output: string, name: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(root, output, name)));

describe('a training on this machine', () => {
  it("leaves an adapter in PEFT's format with its loss curve, and nothing else", async () => {
    const outcome = await run();
    expect(outcome).toMatchObject({ done: true, steps: 6 });
    expect((await readdir(root)).sort()).toEqual(['adapter', 'model']);
    expect((await readdir(join(root, 'adapter'))).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'loss-curve.json', 'training.json']);
    const adapter = readPeftAdapter({ config: await fileOf('adapter', 'adapter_config.json'), weights: await fileOf('adapter', 'adapter_model.safetensors') }, { music: model.music, base: { digest: await model.digest() } });
    expect(adapter.config).toEqual(LORA);
    const curve = JSON.parse(new TextDecoder().decode(await fileOf('adapter', 'loss-curve.json'))) as { step: number; loss: number }[];
    expect(curve.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(curve[0]!.loss).toBe(outcome!.firstLoss);
    expect(JSON.parse(new TextDecoder().decode(await fileOf('adapter', 'training.json')))).toMatchObject({ base: await model.digest(), seed: '1', dataset: { name: 'songs', clips: 6 } });
  });

  it.each([1, 3, 5])('that was stopped after %i steps goes on to the same bytes', async (steps) => {
    await run({ output: join(root, 'whole') });
    expect(await run({}, { stepped: ({ step }) => step < steps })).toMatchObject({ done: false, steps });
    expect((await readdir(root)).sort()).toEqual(['adapter.training', 'model', 'whole']);
    expect(await run()).toMatchObject({ done: true, steps: 6 });
    for (const name of ['adapter_model.safetensors', 'loss-curve.json', 'training.json']) expect(await fileOf('adapter', name)).toEqual(await fileOf('whole', name));
  });

  it('goes on from a checkpoint of a process that was killed', async () => {
    await run({ output: join(root, 'whole') });
    const killed = new Error('killed');
    await expect(run({ saveEvery: 2 }, { stepped: ({ step }) => { if (step === 5) throw killed; return true; } })).rejects.toBe(killed);
    let first = 0;
    await run({ saveEvery: 2 }, { stepped: ({ step }) => { first ||= step; return true; } });
    expect(first).toBe(5);
    expect(await fileOf('adapter', 'adapter_model.safetensors')).toEqual(await fileOf('whole', 'adapter_model.safetensors'));
  });

  it('goes on from an adapter, which then is another run', async () => {
    await run({ output: join(root, 'first') });
    const adapter = readPeftAdapter({ config: await fileOf('first', 'adapter_config.json'), weights: await fileOf('first', 'adapter_model.safetensors') }, { music: model.music });
    await run({ adapter, lora: adapter.config });
    expect(await fileOf('adapter', 'adapter_model.safetensors')).not.toEqual(await fileOf('first', 'adapter_model.safetensors'));
  });

  it('refuses to go on with other arguments, and to write over what is there', async () => {
    await run({}, { stepped: () => false });
    for (const changes of [{ seed: '2' }, { hyper: { ...HYPER, steps: 7 } }, { lora: { ...LORA, rank: 4 } }, { digest: 'another model' }, { dataset: { ...dataset, clips: dataset.clips.slice(1) } }]) {
      await expect(run(changes)).rejects.toThrow(/to hold a run with the same arguments/);
    }
    await run();
    await expect(run()).rejects.toThrow(InvalidInput);
  });

  it('goes on with other arguments where an earlier run has failed before its first checkpoint', async () => {
    await expect(run({ lora: { ...LORA, targets: ['no_such_layer'] } })).rejects.toThrow(InvalidInput);
    expect(await run()).toMatchObject({ done: true });
  });

  it('goes on from the adapter that it began with, and from no other of its shape', async () => {
    const adapterOf = async (seed: string) => {
      await run({ output: join(root, seed), seed });
      return readPeftAdapter({ config: await fileOf(seed, 'adapter_config.json'), weights: await fileOf(seed, 'adapter_model.safetensors') }, { music: model.music });
    };
    const [one, other] = [await adapterOf('one'), await adapterOf('other')];
    await run({ adapter: one, lora: one.config }, { stepped: () => false });
    await expect(run({ adapter: other, lora: other.config })).rejects.toThrow(/to hold a run with the same arguments/);
    expect(await run({ adapter: one, lora: one.config })).toMatchObject({ done: true });
  });

  it('refuses codes of another codec, which would train without a word', async () => {
    await expect(run({ dataset: songs })).rejects.toThrow('in those of the sound chip');
    await expect(run({ dataset: { ...songs, codec: 'another' } })).rejects.toThrow('in those of the codec another');
    expect((await readdir(root)).sort()).toEqual(['model']);
  });

  it('stops before the first step, and with a spoilt checkpoint says so', async () => {
    expect(await run({}, { told: () => false })).toBeUndefined();
    await writeFile(join(root, 'adapter.training', 'checkpoint.safetensors'), 'spoilt');
    await expect(run()).rejects.toThrow('Expected a safetensors file');
  });
});
