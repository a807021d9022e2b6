import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergeBaseJob, type MergeBaseInput } from '../../../activities/model/merge-base.ts';
import { ModelCache } from '../../../activities/model/model-cache.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { adapterDelta, mergeWeights } from '../../../genki/federation/merge.ts';
import { batchOfClips } from '../../../genki/music/batch.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { composeDataset } from '../../../genki/data/dataset.ts';
import { encodeAdapter, type Adapter, type LoraConfig } from '../../../genki/music/lora.ts';
import { Trainer } from '../../../genki/music/trainer.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';

/** Learns what the composer writes, badly. */
const TINY: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['march', 'waltz'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};
const LORA: LoraConfig = { rank: 2, alpha: 4, targets: ['q_proj', 'fc1', 'fc2', 'v_proj', 'out_proj'], rslora: false };

const root = mkdtempSync(join(tmpdir(), 'genki-merge-base-'));
const store = createFolderStore(root);
const weights = initialWeights(TINY, new Random('base'));
let engine: Engine;
let input: MergeBaseInput;
let [current, late, harmful]: Adapter[] = [];
let lateRef: ObjectRef;

/** An adapter after some steps on one style. */
async function trained(seed: string, style: string): Promise<Adapter> {
  const { clips } = composeDataset({ name: seed, styles: [style], clips: 4, seed, licence: 'CC0-1.0', sharing: 'shared' });
  const trainer = await Trainer.create(engine, TINY, weights, { kind: 'lora', lora: LORA }, { learningRate: 3e-2, steps: 12, warmup: 0, betas: [0.9, 0.95], weightDecay: 0, guidanceDropout: 0, batch: 4 }, seed);
  for (let step = 0; step < 12; step++) await trainer.stepOn(batchOfClips(TINY, clips));
  const adapter = trainer.adapter();
  await trainer.dispose();
  return adapter;
}

/** Thrice the opposite. */
const flipped = ({ config, layers }: Adapter): Adapter => ({ config, layers: new Map([...layers].map(([module, layer]) => [module, { ...layer, b: layer.b.map((x) => -3 * x) }])) });

const put = (name: string, adapter: Adapter): Promise<ObjectRef> => store.putOnce('hub', `${name}.safetensors`, encodeAdapter(adapter));

beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  const base = { digest: contentDigest(weights), weights: await store.putOnce('hub', 'model.safetensors', encodeSafetensors(weights)), config: await store.putOnce('hub', 'config.json', new TextEncoder().encode(JSON.stringify(TINY))) };
  [current, late] = [await trained('current', 'march'), await trained('late', 'march')];
  harmful = flipped(current!);
  lateRef = await put('late', late!);
  input = {
    today: { base, adapter: await put('current', current!) },
    trained: base,
    late: [],
    lora: LORA,
    part: { clips: { march: 4, waltz: 2 }, seed: 'part', floors: { march: 0.1 }, guards: ['waltz'] },
    scales: [0.25, 0.5, 1],
    thresholds: { acceptZ: 2, tolerance: 0, guardNats: 1 },
    bucket: 'hub',
    prefix: 'new',
  };
});
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

const run = async (changes: Partial<MergeBaseInput> = {}) => (await mergeBaseJob({ engine, store, cache: new ModelCache(engine, store, {}) })({ ...input, ...changes }, { progress: async () => true }))!;
const digestOf = (updates: Parameters<typeof mergeWeights>[1]): string => contentDigest(new Map([...weights, ...mergeWeights(weights, updates)]));

describe('the next base', () => {
  it('has the current adapter in it, exactly, and computes what both did', async () => {
    const { dama, parts, taken, publish, losses } = await run({ prefix: 'current' });
    expect(dama.digest).toBe(digestOf([{ delta: adapterDelta(current!), weight: 1 }]));
    expect(parts).toEqual([{ adapter: input.today.adapter, weight: 1 }]);
    expect(taken).toEqual([]);
    expect(losses.after).toEqual(losses.before);
    expect(publish).toBe(true);
  });

  it('takes of a late result only what it has beyond the version that it was made from', async () => {
    const { dama, taken, parts, losses } = await run({ prefix: 'late', late: [{ adapter: lateRef, parent: null }] });
    const [{ scale } = { scale: 0 }] = taken;
    expect(input.scales).toContain(scale);
    expect(parts[1]).toEqual({ adapter: lateRef, weight: scale });
    expect(dama.digest).toBe(digestOf([{ delta: adapterDelta(current!), weight: 1 }, { delta: adapterDelta(late!), weight: scale }]));
    expect(losses.after['march']).toBeLessThan(losses.before['march']!);
    const nothing = await run({ prefix: 'nothing', late: [{ adapter: lateRef, parent: lateRef }] });
    expect(nothing.taken).toEqual([]);
    expect(nothing.parts).toHaveLength(1);
  });

  it('is kept beside what an earlier call has made for the same number, and not published', async () => {
    const first = await run({ prefix: 'again' });
    const second = await run({ prefix: 'again', late: [{ adapter: lateRef, parent: null }] });
    expect(second.dama.digest).not.toBe(first.dama.digest);
    expect(second.dama.weights.key).not.toBe(first.dama.weights.key);
  });

  it('leaves out what does harm, and is not published when it is worse than what is used', async () => {
    const harm = await put('harmful', harmful!);
    expect((await run({ prefix: 'harm', late: [{ adapter: harm, parent: null }] })).taken).toEqual([]);
    const worse = await run({ prefix: 'worse', today: { ...input.today, adapter: harm } });
    // both sides have the harm: it is what is used today
    expect(worse.publish).toBe(true);
    const spoilt = new Map([...weights].map(([name, tensor]) => [name, { ...tensor, data: Float32Array.from(tensor.data, (x) => 2 * x) }]));
    const bad = { ...input.trained, digest: contentDigest(spoilt), weights: await store.putOnce('hub', 'spoilt.safetensors', encodeSafetensors(spoilt)) };
    const refused = await run({ prefix: 'spoilt', trained: bad });
    expect(refused.publish).toBe(false);
    expect(refused.reason).toMatch(/^the new base is worse than what is used today: -\d/);
  });
});
