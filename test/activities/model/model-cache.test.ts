import { cpSync } from 'node:fs';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ModelCache } from '../../../activities/model/model-cache.ts';
import { putDama } from '../../../client/embedded/put-dama.ts';
import type { Engine } from '../../../genki/engine/engine.ts';
import { BadSubmission } from '../../../genki/errors.ts';
import { openSafetensors } from '../../../genki/protocol/open-safetensors.ts';
import { saveSafetensors } from '../../../genki/protocol/save-safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import { createEngine } from '../../genki/music/support/engines.ts';

/** So many that they are kept in a file. */
const FLOATS = 2 ** 24 + 1;

let root: string;
let engine: Engine;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'genki-cache-'));
  engine = await createEngine();
});
afterEach(async () => {
  await engine.dispose();
  await rm(root, { recursive: true });
});

it('fetches a large Dama anew after its file was spoilt', async () => {
  const folder = join(root, 'model');
  for (const part of ['tiny-musicgen', 't5/tiny-tokenizer']) cpSync(fileURLToPath(new URL(`../../goldens/${part}`, import.meta.url)), folder, { recursive: true });
  await enlarge(join(folder, 'model.safetensors'));
  const store = createFolderStore(join(root, 'store'));
  const dama = await putDama(store, { folder, bucket: 'hub', prefix: 'model', work: root });
  const models = join(root, 'models');
  const digestOf = async (): Promise<string> => {
    const cache = new ModelCache(engine, store, { models });
    try {
      return (await cache.dama(dama)).digest;
    } finally {
      await cache.dispose();
    }
  };
  expect(await digestOf()).toBe(dama.digest);

  const [name] = await readdir(models);
  const file = await open(join(models, name!), 'r+');
  await file.write(Uint8Array.of(1), 0, 1, (await file.stat()).size - 9);
  await file.close();
  await expect(digestOf()).rejects.toThrow(BadSubmission);
  expect(await digestOf()).toBe(dama.digest);
});

/** With a tensor that no model has a use for. */
async function enlarge(path: string): Promise<void> {
  const source = await openSafetensors(path);
  const spec = { shape: [FLOATS], dtype: 'F32' } as const;
  await saveSafetensors(`${path}.large`, { ...source, specs: new Map([...source.specs, ['z.stranger', spec]]), read: async (name) => (name === 'z.stranger' ? { ...spec, data: new Float32Array(FLOATS) } : await source.read(name)), close: () => source.close() });
  await source.close();
  cpSync(`${path}.large`, path);
}
