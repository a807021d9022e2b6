import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobs } from '../../../activities/model/jobs.ts';
import type { Leftover, TrainDeltaInput, TrainedDelta } from '../../../activities/model/train-delta.ts';
import type { TrainProgress } from '../../../activities/model/training-progress.ts';
import { composeDataset, encodeDataset } from '../../../genki/data/dataset.ts';
import { pageClips } from '../../../genki/data/page-clips.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import { merkleRoot } from '../../../genki/federation/compression/merkle.ts';
import { sliceIndices, sliceSize } from '../../../genki/federation/compression/slice.ts';
import { decodeUpdate } from '../../../genki/federation/compression/update-codec.ts';
import { flatten, layoutOf, normOf } from '../../../genki/federation/layout.ts';
import { privatise } from '../../../genki/federation/privacy/privatise.ts';
import { stateDigest } from '../../../genki/federation/window-state.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import type { Codec } from '../../../genki/protocol/exchange.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';

/** Learns what the composer writes, badly. */
const TINY: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['dungeon', 'town'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};
const DENSE: Codec = { kind: 'dense' };
const TOP_K: Codec = { kind: 'top-k', chunk: 64, keep: 1, feedback: 1 };
const SLICE: Codec = { kind: 'slice', compression: 10, feedback: 1 };
const BLOCK = `0x${'3a'.repeat(32)}`;
const layout = layoutOf(TINY);

const root = mkdtempSync(join(tmpdir(), 'genki-train-delta-'));
const store = createFolderStore(root);
let engine: Engine;
let input: TrainDeltaInput;
/** What three steps change. */
let update: Float32Array;

beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  const weights = initialWeights(TINY, new Random('base'));
  const music = composeDataset({ name: 'cellar', styles: ['dungeon', 'town'], clips: 2, seed: 'mine', licence: 'CC0-1.0', sharing: 'private' });
  const dama = { digest: contentDigest(weights), weights: await store.putOnce('hub', 'model.safetensors', encodeSafetensors(weights)), config: await store.putOnce('hub', 'config.json', new TextEncoder().encode(JSON.stringify(TINY))) };
  input = {
    state: { digest: stateDigest(flatten(layout, weights), null), dama, momentum: null },
    data: { kind: 'own', dataset: await store.putOnce('hub', 'dataset.safetensors', encodeDataset(music)) },
    replay: { styles: ['town'], clips: 1, seed: 'replay' },
    replayRows: 1,
    hyper: { learningRate: 1e-3, steps: 3, warmup: 0, schedule: 'constant', betas: [0.9, 0.95], weightDecay: 0, guidanceDropout: 0.2, batch: 3 },
    seed: 'seed',
    codec: DENSE,
    leftover: null,
    bucket: 'private',
    prefix: 'whole',
    checkpointEverySteps: 2,
  };
  update = await read(DENSE, (await done({})).file);
});
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

/** Runs the job in a process of its own, so to speak, which is asked to stop after so many steps. */
async function run(changes: Partial<TrainDeltaInput> = {}, { stopAfter = Infinity }: { stopAfter?: number } = {}) {
  const said: TrainProgress[] = [];
  const result = await createJobs({ engine, store }).trainDelta({ ...input, ...changes }, { progress: async (details) => said.push(details as TrainProgress) < stopAfter });
  return { result, said, last: said.at(-1)! };
}
const done = async (changes: Partial<TrainDeltaInput>): Promise<TrainedDelta> => (await run(changes)).result ?? expect.unreachable('it stopped');
const read = async (codec: Codec, ref: ObjectRef): Promise<Float32Array> => decodeUpdate(codec, await store.get(ref, { maxBytes: 2 ** 20 }), layout);
const put = async (name: string, codec: Codec, changes: Partial<TrainDeltaInput> = {}): Promise<TrainedDelta> => await done({ codec, prefix: name, ...changes });
const sum = (...all: readonly Float32Array[]): Float32Array => all[0]!.map((_, i) => all.reduce((total, one) => Math.fround(total + one[i]!), 0));
const furthest = (a: Float32Array, b: Float32Array): number => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('the job that trains a delta', () => {
  it('gives trained weights minus base weights, each of which has moved as told by a constant rate', async () => {
    const trained = await put('dense', DENSE);
    expect(await read(DENSE, trained.file)).toEqual(update);
    // Adam moves a weight by at most the rate a step, but for its bias correction
    expect(Math.max(...update.map(Math.abs))).toBeGreaterThan(2e-3);
    expect(Math.max(...update.map(Math.abs))).toBeLessThan(4e-3);
    expect(trained).toMatchObject({ steps: 3, engine: engine.build, tree: null, updateNorm: normOf(update), inputNorm: normOf(update), sentNorm: normOf(update), ratio: (4 * layout.size) / trained.bytes });
    expect(await read(DENSE, trained.residual!)).toEqual(new Float32Array(layout.size));
  });

  it.each([1, 2])('comes to the same bytes after a stop at step %i', async (stopAfter) => {
    const whole = await put('at-once', TOP_K);
    const prefix = `stopped-${stopAfter}`;
    const stopped = await run({ codec: TOP_K, prefix }, { stopAfter });
    expect(stopped.result).toBeUndefined();
    expect(stopped.last.checkpoint?.key).toBe(`${prefix}/checkpoint-00000${stopAfter}.safetensors`);
    const { result, said } = await run({ codec: TOP_K, prefix, resume: stopped.last });
    expect(said[0]!.step).toBe(stopAfter + 1);
    expect([result!.file.sha256, result!.residual!.sha256, result!.firstLoss]).toEqual([whole.file.sha256, whole.residual!.sha256, whole.firstLoss]);
  });

  it('learns from pages, in the order of the composer', async () => {
    const spec = { styles: ['dungeon', 'town'], clips: 2, seed: 'pages' };
    const paged = await put('pages', DENSE, { data: { kind: 'pages', pages: [4, 2], spec } });
    const dataset = encodeDataset({ name: 'pages', licence: 'CC0-1.0', sharing: 'shared', clips: [...pageClips(spec, 4), ...pageClips(spec, 2)] });
    const same = await put('same', DENSE, { data: { kind: 'own', dataset: await store.putOnce('hub', 'pages.safetensors', dataset) } });
    const others = await put('others', DENSE, { data: { kind: 'pages', pages: [4, 6], spec } });
    expect(paged.file.sha256).toBe(same.file.sha256);
    expect(others.file.sha256).not.toBe(same.file.sha256);
  });
});

describe('error feedback', () => {
  it('keeps what a window leaves out, and sends it with the next', async () => {
    const first = await put('first', TOP_K);
    const [sent, residual] = [await read(TOP_K, first.file), await read(DENSE, first.residual!)];
    expect(furthest(sum(sent, residual), update)).toBeLessThan(1e-9);
    const second = await put('second', TOP_K, { leftover: { kind: 'left-out', residual: first.residual! } });
    const after = sum(await read(TOP_K, second.file), await read(DENSE, second.residual!));
    expect(furthest(after, sum(update, residual))).toBeLessThan(1e-9);
    expect(second.inputNorm).toBeGreaterThan(second.updateNorm);
  });

  it('sends all of a window again that nobody heard', async () => {
    const first = await put('unheard', TOP_K);
    const second = await put('again', TOP_K, { leftover: { kind: 'all', residual: first.residual!, sent: first.file } });
    expect(furthest(sum(await read(TOP_K, second.file), await read(DENSE, second.residual!)), sum(update, update))).toBeLessThan(1e-9);
  });

  it('of slices keeps the whole, under a root, until the chain has chosen', async () => {
    const first = await put('slice', SLICE);
    const whole = await read(DENSE, first.file);
    expect(whole).toEqual(update);
    expect(first).toMatchObject({ residual: null, tree: { root: merkleRoot(update), count: layout.size }, bytes: 4 * sliceSize(layout, 10) });
    expect(first.ratio).toBeCloseTo(10, 0);

    const chosen = new Set(sliceIndices(layout, 10, BLOCK));
    const heard: Leftover = { kind: 'whole', whole: first.file, blockHash: BLOCK };
    const next = await read(DENSE, (await put('slice-heard', SLICE, { leftover: heard })).file);
    expect(next).toEqual(update.map((value, i) => (chosen.has(i) ? value : Math.fround(2 * value))));
    const unheard = await put('slice-unheard', SLICE, { leftover: { ...heard, blockHash: null } });
    expect(await read(DENSE, unheard.file)).toEqual(update.map((value) => 2 * value));
  });
});

describe('the private mode', () => {
  const secret = { bucket: 'private', key: 'secrets/noise' };
  const config = { clip: 0.01, noise: 0.5 };
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  beforeAll(async () => void (await store.putOnce(secret.bucket, secret.key, key)));

  it('sends and keeps noised values alone', async () => {
    const noised = privatise(update, config, key);
    const first = await put('private', TOP_K, { privacy: { config, secret } });
    const residual = await read(DENSE, first.residual!);
    expect(furthest(sum(await read(TOP_K, first.file), residual), noised)).toBeLessThan(1e-9);
    // what is left out says no more of the update than what is sent
    const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((dot, value, i) => dot + value * b[i]!, 0) / (normOf(a) * normOf(b));
    expect(cosine(residual, update)).toBeLessThan(0.2);
    expect(cosine(residual, noised.map((value, i) => value - Math.fround(update[i]! * (config.clip / normOf(update)))))).toBeGreaterThan(0.9);

    const again = await put('private-again', TOP_K, { privacy: { config, secret } });
    expect([again.file.sha256, again.residual!.sha256]).toEqual([first.file.sha256, first.residual!.sha256]);
  });
});
