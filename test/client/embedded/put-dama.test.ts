import { cpSync, existsSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { damaFolder } from '../../../client/dama-folder.ts';
import { competitionFor } from '../../../client/embedded/model-competition.ts';
import { putDama } from '../../../client/embedded/put-dama.ts';
import { SHIPPED_DAMA } from '../../../client/shipped-dama.ts';
import { checkMeasurable } from '../../../genki/data/held-out.ts';
import { ChecksumMismatch, InvalidInput } from '../../../genki/errors.ts';
import { openModel } from '../../../genki/music/open-model.ts';
import { contentDigest, decodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../../genki/store/object-store.ts';

const golden = (name: string): string => fileURLToPath(new URL(`../../goldens/${name}`, import.meta.url));
const MODELS = ['tiny-musicgen', 'sharded-stereo', 'half-mono'].map(golden);

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'genki-dama-'));
  store = createFolderStore(join(root, 'store'));
});
afterEach(() => rm(root, { recursive: true }));

const put = (folder: string) => putDama(store, { folder, bucket: 'hub', prefix: 'model', work: root });
const withModel = async <T>(folder: string, use: (model: Awaited<ReturnType<typeof openModel>>) => Promise<T>): Promise<T> => {
  const model = await openModel(folder);
  try {
    return await use(model);
  } finally {
    await model.close();
  }
};

describe('a model as a Dama', () => {
  it.each([...MODELS, SHIPPED_DAMA])('comes out of the store as it went in: %s', async (folder) => {
    const dama = await put(folder);
    expect((await readdir(root)).sort()).toEqual(['store']);
    expect(contentDigest(decodeSafetensors(await store.get(dama.weights, { maxBytes: 2 ** 24 })).tensors)).toBe(dama.digest);
    const models = join(root, 'models');
    const fetched = await damaFolder(store, dama, models);
    const [before, after] = await Promise.all([folder, fetched].map((one) => withModel(one, async (model) => ({ music: model.music, digest: await model.digest(), tokenizer: model.tokenizer }))));
    expect(after).toEqual(before);
    expect(await damaFolder(store, dama, models)).toBe(fetched);
    expect(await readdir(models)).toHaveLength(1);
  });

  it('is put again after somebody was killed while joining its shards', async () => {
    await writeFile(join(root, 'model.safetensors.joined'), 'half');
    const dama = await put(golden('sharded-stereo'));
    expect(contentDigest(decodeSafetensors(await store.get(dama.weights, { maxBytes: 2 ** 24 })).tensors)).toBe(dama.digest);
  });

  it('brings its tokenizer', async () => {
    const folder = join(root, 'told');
    for (const part of ['tiny-musicgen', 't5/tiny-tokenizer']) cpSync(golden(part), folder, { recursive: true });
    const dama = await put(folder);
    expect(dama.tokenizer).toBeDefined();
    const tokenizers = await Promise.all([folder, await damaFolder(store, dama, join(root, 'models'))].map((one) => withModel(one, async ({ tokenizer }) => tokenizer)));
    expect(tokenizers[1]).toEqual(tokenizers[0]);
  });

  it('is not half there when its tensors cannot be fetched', async () => {
    const dama = await put(MODELS[0]!);
    const { bucket, key } = dama.weights;
    rmSync(join(root, 'store', bucket, key));
    await expect(damaFolder(store, dama, join(root, 'models'))).rejects.toThrow();
    expect(await readdir(join(root, 'models'))).toEqual([]);
  });

  it('refuses a folder without a model, and a place that holds another one', async () => {
    await writeFile(join(root, 'config.json'), '{}');
    await expect(put(root)).rejects.toThrow(InvalidInput);
    await put(MODELS[0]!);
    await expect(put(MODELS[2]!)).rejects.toThrow(ChecksumMismatch);
    expect(existsSync(join(root, 'model.safetensors.joined'))).toBe(false);
  });
});

describe('a competition for a model that somebody brings', () => {
  it.each(MODELS)('is one that an adapter of the model fits: %s', async (folder) => {
    await withModel(folder, async ({ music }) => {
      const competition = competitionFor('brought', music);
      expect(competition.music).toEqual({ model: 'brought', codebooks: music.decoder.numCodebooks, frames: music.codec.frames, frameRate: music.codec.frameRate });
      expect(competition.training.replayRows).toBe(0);
      expect(() => checkMeasurable(competition.music)).toThrow('rounds do not yet');
    });
  });

  it('can be measured where it is for the sound chip', async () => {
    await withModel(SHIPPED_DAMA, async ({ music }) => expect(checkMeasurable(competitionFor('nano', music).music)).toBeUndefined());
  });
});
