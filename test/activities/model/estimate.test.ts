import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EstimateJob } from '../../../activities/model/estimate.ts';
import { createJobs } from '../../../activities/model/jobs.ts';
import { coalitions, shapley } from '../../../genki/evaluation/shapley.ts';
import { relativeGain } from '../../../genki/evaluation/relative-gain.ts';
import { replayShapley } from '../../../genki/evaluation/shapley-estimate.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import { initialAdapter } from '../../../genki/music/adapted-net.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { encodeAdapter, type LoraConfig } from '../../../genki/music/lora.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';

/** Plays what the composer writes, badly. */
const TINY: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['march', 'waltz'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};
const LORA: LoraConfig = { rank: 2, alpha: 4, targets: ['q_proj', 'fc1', 'fc2'], rslora: false };
const PLAYERS = 4;

const root = mkdtempSync(join(tmpdir(), 'genki-estimate-'));
const store = createFolderStore(root);
let engine: Engine;
let input: EstimateJob['input'];

beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  const weights = initialWeights(TINY, new Random('base'));
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const base = { digest: contentDigest(weights), weights: await store.putOnce('hub', 'model.safetensors', encodeSafetensors(weights)), config: await store.putOnce('hub', 'config.json', text(TINY)) };
  const candidates = await Promise.all(Array.from({ length: PLAYERS }, async (_, i) => {
    const random = new Random(`adapter ${i}`);
    const adapter = initialAdapter(TINY, LORA, random);
    for (const { b } of adapter.layers.values()) b.forEach((_b, at) => (b[at] = 0.3 * random.normal()));
    return { adapter: await store.putOnce('hub', `${i}.safetensors`, encodeAdapter(adapter)), factor: 1 - i / 10 };
  }));
  const part = { clips: { march: 1, waltz: 1 }, seed: 'part', floors: { march: 0.1, waltz: 0.1 }, guards: [] };
  input = { base, lora: LORA, candidates, part, scale: 0.5, seed: 'seed', tolerance: 0, maxEvaluations: 14 };
});
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

/** Runs the job in a process of its own, so to speak, which is asked to stop after so many evaluations. */
async function run(changes: Partial<EstimateJob['input']> = {}, { stopAfter = Infinity }: { stopAfter?: number } = {}) {
  let runs = 0;
  const counting: Engine = {
    ...engine,
    build: engine.build,
    tensor: engine.tensor.bind(engine),
    compile: async (program) => {
      const executable = await engine.compile(program);
      return { ...executable, dispose: () => executable.dispose(), run: (feeds) => { runs++; return executable.run(feeds); } };
    },
  };
  const progress: unknown[] = [];
  const output = await createJobs({ engine: counting, store }).estimate({ ...input, ...changes }, { progress: async (details) => progress.push(details) < stopAfter });
  return { output, runs, progress };
}
const keptIn = async (bucket: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const key of store.list(bucket, 'coalitions/')) keys.push(key);
  return keys;
};

describe('the estimate job', () => {
  it('estimates the relative gains of merges, and says after each that it goes on', async () => {
    const { output, runs, progress } = await run();
    expect(output).toMatchObject({ stoppedBy: 'budget', evaluations: output!.measured.length });
    expect(progress).toEqual(output!.measured.map((_, i) => ({ evaluations: i + 1, expected: 14 })));
    expect(runs).toBe(output!.measured.length);
    expect(output!.measured[0]).toEqual({ members: [], value: 0 });

    const losses = (await createJobs({ engine, store }).value({ ...input, coalitions: output!.measured.map(({ members }) => members) }, { progress: async () => true }))!;
    const holdOut = { styles: ['march', 'waltz'], floors: input.part.floors, guards: [] };
    expect(output!.measured.map(({ value }) => value)).toEqual(losses.map((one) => relativeGain(losses[0]!, one, holdOut)));
    const { measured, ...estimate } = output!;
    expect(replayShapley(measured, { players: PLAYERS, seed: 'seed', tolerance: 0, maxEvaluations: 14, stoppedBy: 'budget' })).toEqual(estimate);
  });

  it('is exact where it may measure everything, and reuses what other jobs and tries have measured', async () => {
    const memo = { bucket: 'exact' };
    const job = createJobs({ engine, store });
    await job.value({ ...input, memo, coalitions: coalitions(PLAYERS).slice(0, 10).toReversed() }, { progress: async () => true });
    expect(await keptIn('exact')).toHaveLength(10);
    const { output, runs, progress } = await run({ memo, maxEvaluations: 16 });
    expect({ runs, progress: progress.length, kept: (await keptIn('exact')).length }).toEqual({ runs: 6, progress: 16, kept: 16 });
    const values = coalitions(PLAYERS).map((members) => output!.measured.find((one) => one.members.join() === members.join())!.value);
    expect(output).toMatchObject({ stoppedBy: 'exact', values: shapley(values, PLAYERS) });
    expect((await run({ maxEvaluations: 16 })).output).toEqual(output);
  });

  it('is undisturbed by being stopped anywhere and begun again', async () => {
    const memo = { bucket: 'stopped' };
    const undisturbed = await run();
    for (let stopAfter = 3; stopAfter < undisturbed.runs; stopAfter += 5) expect((await run({ memo }, { stopAfter })).output).toBeUndefined();
    const before = (await keptIn('stopped')).length;
    const { output, runs } = await run({ memo });
    expect(output).toEqual(undisturbed.output);
    expect(before + runs).toBe(undisturbed.runs);
    expect(runs).toBeLessThan(4);
    expect((await run({ memo })).runs).toBe(0);
  });

  it('measures anew what is merged with another weight, on other music or with another base', async () => {
    const memo = { bucket: 'other' };
    const first = await run({ memo });
    // nobody's losses are the same at any scale
    expect((await run({ memo, scale: 0.25 })).runs).toBe(first.runs - 1);
    expect((await run({ memo, part: { ...input.part, seed: 'other' } })).runs).toBe(first.runs);
    expect((await run({ memo, part: { ...input.part, floors: { march: 0.2, waltz: 0.2 } } })).runs).toBe(0);
  });

  it('has to do with what it knows at its deadline', async () => {
    const { output, runs } = await run({ deadline: Date.now() - 1 });
    expect(output).toMatchObject({ stoppedBy: 'deadline', permutations: 0, evaluations: 2 });
    expect(runs).toBe(2);
  });
});
