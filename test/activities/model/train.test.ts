import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobs } from '../../../activities/model/jobs.ts';
import type { Trained, TrainInput, TrainProgress } from '../../../activities/model/train.ts';
import { composeDataset, encodeDataset } from '../../../genki/data/dataset.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';

/** Learns what the composer writes, badly. */
const TINY: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['dungeon', 'town'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};

const root = mkdtempSync(join(tmpdir(), 'genki-train-'));
const store = createFolderStore(root);
let engine: Engine;
let input: TrainInput;
let whole: Trained;

beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  const weights = initialWeights(TINY, new Random('base'));
  const music = composeDataset({ name: 'cellar', styles: ['dungeon', 'town'], clips: 2, seed: 'mine', licence: 'CC0-1.0', sharing: 'private' });
  input = {
    base: { digest: contentDigest(weights), weights: await store.putOnce('hub', 'model.safetensors', encodeSafetensors(weights)), config: await store.putOnce('hub', 'config.json', new TextEncoder().encode(JSON.stringify(TINY))) },
    dataset: await store.putOnce('hub', 'dataset.safetensors', encodeDataset(music)),
    replay: { styles: ['town'], clips: 1, seed: 'replay' },
    replayRows: 1,
    lora: { rank: 2, alpha: 4, targets: ['q_proj', 'fc1'], rslora: false },
    hyper: { learningRate: 1e-2, steps: 5, warmup: 1, betas: [0.9, 0.95], weightDecay: 0, guidanceDropout: 0.2, batch: 3 },
    seed: 'seed',
    bucket: 'private',
    prefix: 'whole',
    checkpointEverySteps: 2,
  };
  whole = (await run({ prefix: 'at-once' })).result!;
});
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

/** Runs the job in a process of its own, so to speak, which is asked to stop after so many steps. */
async function run(changes: Partial<TrainInput> = {}, { stopAfter = Infinity }: { stopAfter?: number } = {}) {
  const said: TrainProgress[] = [];
  const result = await createJobs({ engine, store }).train({ ...input, ...changes }, {
    progress: async (details) => {
      said.push(details as TrainProgress);
      return said.length < stopAfter;
    },
  });
  return { result, said, last: said.at(-1)! };
}

describe('the train job', () => {
  it('keeps the losses of all steps beside the adapter', async () => {
    const { result, said } = await run();
    const curve = JSON.parse(new TextDecoder().decode(await store.get(result!.curve, { maxBytes: 2 ** 20 }))) as { step: number; loss: number; learningRate: number }[];
    expect(curve.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(curve.map(({ loss }) => loss)).toEqual(said.map(({ loss }) => loss));
    expect(result).toMatchObject({ steps: 5, firstLoss: curve[0]!.loss, lastLoss: curve[4]!.loss, engine: engine.build });
    expect([result!.adapter.key, result!.curve.key]).toEqual(['whole/adapter.safetensors', 'whole/loss-curve.json']);
    expect(said.map(({ checkpoint }) => checkpoint?.key)).toEqual([undefined, 'whole/checkpoint-000002.safetensors', 'whole/checkpoint-000002.safetensors', 'whole/checkpoint-000004.safetensors', 'whole/checkpoint-000004.safetensors']);
  });

  it.each([1, 2, 3, 4])('comes to the same bytes after a stop at step %i', async (stopAfter) => {
    const prefix = `stopped-${stopAfter}`;
    const stopped = await run({ prefix }, { stopAfter });
    expect(stopped.result).toBeUndefined();
    expect(stopped.last).toMatchObject({ step: stopAfter, steps: 5, checkpoint: { key: `${prefix}/checkpoint-00000${stopAfter}.safetensors` } });
    const resumed = await run({ prefix, resume: stopped.last });
    expect(resumed.said[0]).toMatchObject({ step: stopAfter + 1, firstLoss: whole.firstLoss });
    expect([resumed.result!.adapter.sha256, resumed.result!.curve.sha256]).toEqual([whole.adapter.sha256, whole.curve.sha256]);
  });

  it('goes on from an adapter, also after a stop', async () => {
    const adapter = whole.adapter;
    const { result, said } = await run({ prefix: 'further', adapter });
    // what was learnt is not lost
    expect(said[0]!.loss).toBeLessThan(whole.firstLoss);
    expect(result!.adapter.sha256).not.toBe(whole.adapter.sha256);
    const stopped = await run({ prefix: 'further-stopped', adapter }, { stopAfter: 3 });
    const resumed = await run({ prefix: 'further-stopped', adapter, resume: stopped.last });
    expect(resumed.result!.adapter.sha256).toBe(result!.adapter.sha256);
  });

  it('begins anew when the checkpoint is gone', async () => {
    const checkpoint = { bucket: 'private', key: 'gone', sha256: '0'.repeat(64), bytes: 3 };
    const { result, said } = await run({ prefix: 'anew', resume: { step: 4, steps: 5, firstLoss: 9, loss: 9, msPerStep: 1, checkpoint } });
    expect(said.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(result!.adapter.sha256).toBe(whole.adapter.sha256);
  });
});
