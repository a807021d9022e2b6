import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLesson, peerLesson } from '../../../bench/musicgen/learning.ts';
import { writeRandomModel } from '../../../bench/musicgen/random-model.ts';
import type { Size } from '../../../bench/musicgen/sizes.ts';
import { languageWeights, openModel } from '../../../genki/music/open-model.ts';
import { decodeSafetensors } from '../../../genki/protocol/safetensors.ts';

const SIZE: Size = { name: 'tiny', decoder: { vocabSize: 64, hiddenSize: 16, numLayers: 2, numHeads: 2, ffnDim: 24, numCodebooks: 4, maxPositions: 32 }, textSize: 12, rows: 2, positions: 20, frames: 8 };

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'genki-random-model-'))));
afterAll(() => rm(folder, { recursive: true }));

describe('a MusicGen of random weights', () => {
  it('is one that opens, and nothing in it is a stranger', async () => {
    const music = await writeRandomModel(join(folder, 'one'), SIZE);
    const model = await openModel(join(folder, 'one'));
    expect(model.strangers).toEqual([]);
    expect(model.music).toEqual(music);
    expect(music.decoder).toEqual(SIZE.decoder);
    expect(music.codec).toMatchObject({ kind: 'encodec', frameRate: 50, frames: 29 });
    await model.close();
  });

  it('has weights as a model begins with: of the deviation that their layer has, norms at 1', async () => {
    const model = await openModel(join(folder, 'one'));
    const weights = await languageWeights(model);
    const layer = weights.get('decoder.model.decoder.layers.0.fc1.weight')!.data as Float32Array;
    const deviation = Math.sqrt(layer.reduce((sum, value) => sum + value * value, 0) / layer.length);
    expect(deviation).toBeGreaterThan(0.9 * 0.125);
    expect(deviation).toBeLessThan(1.1 * 0.125);
    expect(new Set(weights.get('decoder.model.decoder.layer_norm.weight')!.data)).toEqual(new Set([1]));
    await model.close();
  });

  it('is the same in however many files', async () => {
    await writeRandomModel(join(folder, 'many'), SIZE, { shard: 2000 });
    const files = (await readdir(join(folder, 'many'))).filter((name) => name.endsWith('.safetensors'));
    expect(files.length).toBeGreaterThan(4);
    const [one, many] = [await openModel(join(folder, 'one')), await openModel(join(folder, 'many'))];
    expect(await many.digest()).toBe(await one.digest());
    await Promise.all([one.close(), many.close()]);
  });

  it('is trained by both sides on the same labels, told the same, from the same adapter', async () => {
    const at = join(folder, 'one');
    const { music, batch, trainable } = await openLesson(at, SIZE, 'lora');
    const request = await peerLesson(at, music, { size: SIZE, kind: 'lora' });
    expect(request).toMatchObject({ model: at, batch: join(at, 'batch.safetensors'), adapter: join(at, 'adapter') });
    const { tensors } = decodeSafetensors(await readFile(join(at, 'batch.safetensors')));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([['ids', [4, 2, 20]], ['labels', [2, 20, 4]], ['mask', [2, 16]], ['states', [2, 16, 12]]]);
    expect(tensors.get('labels')!.data.filter((label) => label !== -100)).toEqual(batch.labels.filter((_, i) => batch.weights[i] !== 0));
    const adapter = decodeSafetensors(await readFile(join(at, 'adapter', 'adapter_model.safetensors'))).tensors;
    if (trainable.kind === 'full') throw new Error('Expected an adapter');
    for (const [module, { a }] of trainable.adapter!.layers) expect(adapter.get(`base_model.model.${module}.lora_A.weight`)!.data).toEqual(a);
  });

  it('is trained without an adapter where all of it is', async () => {
    const at = join(folder, 'one');
    const { music, trainable } = await openLesson(at, SIZE, 'full');
    expect(trainable).toEqual({ kind: 'full' });
    expect(await peerLesson(at, music, { size: SIZE, kind: 'full' })).not.toHaveProperty('adapter');
  });
});
