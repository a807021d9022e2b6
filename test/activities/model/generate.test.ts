import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateInput } from '../../../activities/model/generate.ts';
import { createJobs } from '../../../activities/model/jobs.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { Generator } from '../../../genki/music/generator.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';

const tiny = (vocabSize: number): MusicConfig => ({
  decoder: { vocabSize, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['dungeon', 'town'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
});
const REQUEST = { prompts: ['town', 'dungeon'], frames: 30, seed: 'job', guidance: 2, temperature: 1, topK: 0 };

const root = mkdtempSync(join(tmpdir(), 'genki-generate-job-'));
const store = createFolderStore(root);
let engine: Engine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(root, { recursive: true, force: true });
});

async function inputOf(vocabSize: number): Promise<GenerateInput> {
  const weights = initialWeights(tiny(vocabSize), new Random('job'));
  const config = await store.putOnce('hub', `${vocabSize}/config.json`, new TextEncoder().encode(JSON.stringify(tiny(vocabSize))));
  const dama = { digest: contentDigest(weights), weights: await store.putOnce('hub', `${vocabSize}/model.safetensors`, encodeSafetensors(weights)), config };
  return { ...REQUEST, dama, bucket: 'validator', key: `${vocabSize}/codes.safetensors` };
}

describe('the generate job', () => {
  it.each([[64, 'U8'], [300, 'U16']] as const)('keeps the codes of a model with %i of them as %s', async (vocabSize, dtype) => {
    const input = await inputOf(vocabSize);
    const ref = await createJobs({ engine, store }).generate(input, { progress: async () => true });
    const { tensors, metadata } = decodeSafetensors(await store.get(ref!, { maxBytes: 2 ** 20 }));
    const generator = await Generator.create(engine, tiny(vocabSize), initialWeights(tiny(vocabSize), new Random('job')));
    const clips = await generator.generate(REQUEST);
    expect(tensors.get('codes')).toMatchObject({ dtype, shape: [2, 4, 30] });
    expect([...tensors.get('codes')!.data]).toEqual(clips.flatMap((codes) => [...codes]));
    expect(metadata).toEqual({ prompts: '["town","dungeon"]' });
    await generator.dispose();
  });

  it('tells how far it is, and ends when it is asked to', async () => {
    const input = { ...(await inputOf(64)), key: 'stopped.safetensors' };
    const said: unknown[] = [];
    const progress = async (details: unknown): Promise<boolean> => said.push(details) < 3;
    expect(await createJobs({ engine, store }).generate(input, { progress })).toBeUndefined();
    expect(said).toEqual([{ prompts: 2 }, { prompts: 2, done: 16, of: 33 }, { prompts: 2, done: 32, of: 33 }]);
    await expect(store.head('validator', input.key)).resolves.toBeUndefined();
  });
});
