import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ModelCache } from '../../../activities/model/model-cache.ts';
import { pretrainJob, type PretrainInput, type PretrainProgress } from '../../../activities/model/pretrain.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import { InvalidInput } from '../../../genki/errors.ts';
import { withWeights } from '../../../genki/music/carried-checkpoint.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';

/** Learns what the composer writes, badly. */
const TINY: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['waltz', 'town'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};
const STEPS = 6;

const root = mkdtempSync(join(tmpdir(), 'genki-pretrain-'));
const store = createFolderStore(root);
let engine: Engine;
let input: PretrainInput;

beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  const weights = initialWeights(TINY, new Random('base'));
  input = {
    base: { digest: contentDigest(weights), weights: await store.putOnce('hub', 'model.safetensors', encodeSafetensors(weights)), config: await store.putOnce('hub', 'config.json', new TextEncoder().encode(JSON.stringify(TINY))) },
    corpus: { styles: ['town', 'waltz'], clips: 2, seed: 'corpus' },
    hyper: { learningRate: 1e-2, steps: STEPS, warmup: 1, betas: [0.9, 0.95], weightDecay: 0, guidanceDropout: 0, batch: 4, accumulation: 2 },
    seed: 'run',
    from: null,
    until: Infinity,
    bucket: 'private',
    prefix: 'whole',
    checkpointEverySteps: 2,
  };
});
afterEach(() => void vi.useRealTimers());
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

async function run(changes: Partial<PretrainInput>, { stopAfter = Infinity, of = engine }: { stopAfter?: number; of?: Engine } = {}) {
  const said: PretrainProgress[] = [];
  const result = await pretrainJob({ engine: of, store, cache: new ModelCache(of, store, {}) })({ ...input, ...changes }, { progress: async (details) => said.push(details as PretrainProgress) < stopAfter });
  return { result, said };
}

/** A clock that only runs while the engine works: so many milliseconds a part of a step. */
function timedEngine(partMs: number): Engine {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  return {
    ...engine,
    build: engine.build,
    tensor: engine.tensor.bind(engine),
    compile: async (program) => {
      const executable = await engine.compile(program);
      return { ...executable, dispose: () => executable.dispose(), run: (feeds) => { vi.setSystemTime(Date.now() + partMs); return executable.run(feeds); } };
    },
  };
}

describe('continual pre-training', () => {
  it('ends with the same weights in one call, in three, and when it is interrupted', async () => {
    const whole = (await run({ prefix: 'one' })).result!;
    expect(whole).toMatchObject({ from: 0, step: STEPS, steps: STEPS });
    let base = input.base;
    let from = null as PretrainInput['from'];
    for (const [call, until] of [4, 8, 100].entries()) {
      const { result } = await run({ prefix: `call ${call}`.replace(' ', '-'), base, from, until: 10 * until + 5 }, { of: timedEngine(5) });
      vi.useRealTimers();
      ({ dama: base, checkpoint: from } = result!);
    }
    expect(base.digest).toBe(whole.dama.digest);
    const stopped = await run({ prefix: 'stopped' }, { stopAfter: 3 });
    expect(stopped.result).toBeUndefined();
    const { result: resumed } = await run({ prefix: 'stopped', resume: stopped.said.at(-1)! });
    expect(resumed).toMatchObject({ from: 0, step: STEPS, dama: { digest: whole.dama.digest } });
  });

  it('goes on along one learning rate from weights that others have changed', async () => {
    const first = (await run({ prefix: 'first', until: 25 }, { of: timedEngine(5) })).result!;
    expect(first).toMatchObject({ from: 0, step: 2 });
    vi.useRealTimers();
    const merged = new Map([...decodeSafetensors(await store.get(first.dama.weights, { maxBytes: 2 ** 30 })).tensors].map(([name, tensor]) => [name, { ...tensor, data: Float32Array.from(tensor.data, (x) => x + 0.01) }]));
    const base = { ...input.base, digest: contentDigest(merged), weights: await store.putOnce('hub', 'merged.safetensors', encodeSafetensors(merged)) };
    const { result } = await run({ prefix: 'second', base, from: first.checkpoint });
    expect(result).toMatchObject({ from: 2, step: STEPS });
    const curve = async (ref: PretrainInput['from']) => decodeSafetensors(await store.get(ref!, { maxBytes: 2 ** 30 })).tensors.get('curve')!.data as Uint8Array;
    const rates = (bytes: Uint8Array): number[] => [...new Float64Array(Uint8Array.from(bytes).buffer)].filter((_, i) => i % 3 === 1);
    const whole = (await run({ prefix: 'one-again' })).result!;
    expect(rates(await curve(result!.checkpoint))).toEqual(rates(await curve(whole.checkpoint)));
    expect(result!.dama.digest).not.toBe(whole.dama.digest);
  });

  it('keeps its time within a step: what is not done by then has not happened', async () => {
    // a step has two parts; the second of the third step would end at 30
    const { result } = await run({ prefix: 'time', until: 24 }, { of: timedEngine(5) });
    expect(result).toMatchObject({ step: 2 });
    expect(Date.now()).toBeLessThanOrEqual(25);
    vi.useRealTimers();
    // nobody knows how long the first step takes
    const none = await run({ prefix: 'no-time', until: 7 }, { of: timedEngine(5) });
    expect(none.result).toMatchObject({ step: 0, dama: input.base, checkpoint: null, loss: null });
  });

  it('keeps the checkpoints of the last minutes, not all of them', async () => {
    await run({ prefix: 'bounded', checkpointEverySteps: 1 }, { of: timedEngine(200_000) });
    const kept: string[] = [];
    for await (const key of store.list('private', 'bounded/checkpoint-')) kept.push(key.slice(19, 27));
    expect(kept).toEqual(['00000005', '00000006']);
  });

  it('refuses a checkpoint of another model', async () => {
    const { result } = await run({ prefix: 'other' });
    const checkpoint = await store.get(result!.checkpoint!, { maxBytes: 2 ** 30 });
    const weights = initialWeights(TINY, new Random('base'));
    const [name] = weights.keys();
    expect(() => withWeights(checkpoint, new Map([...weights].filter(([other]) => other !== name)))).toThrow(InvalidInput);
  });
});
