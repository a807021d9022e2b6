import { cpSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inspectModel, mergeModel } from '../../client/commands/model-files.ts';
import { SHIPPED_DAMA } from '../../client/shipped-dama.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { mergedWeights } from '../../genki/music/adapted-net.ts';
import { languageWeights, openModel } from '../../genki/music/open-model.ts';
import { readAdapter } from '../../client/read-adapter.ts';

const golden = (name: string): string => fileURLToPath(new URL(`../goldens/${name}`, import.meta.url));
const MODEL = golden('tiny-musicgen');
const ADAPTER = golden('adapter-all');

let root: string;
let said: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'genki-model-'));
  said = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => { said += String(text); return true; });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true });
});

const merge = (changes: object = {}) => mergeModel({ folder: MODEL, adapter: ADAPTER, output: join(root, 'merged'), anyBase: false, keepDtype: false, json: true, ...changes });

describe('genki model merge', () => {
  it('writes the model with the adapter in its weights, and all else as it was', async () => {
    await merge();
    expect(await readdir(root)).toEqual(['merged']);
    expect((await readdir(join(root, 'merged'))).sort()).toEqual(['config.json', 'model.safetensors']);
    const [base, merged] = [await openModel(MODEL), await openModel(join(root, 'merged'))];
    try {
      expect(JSON.parse(said)).toEqual({ output: join(root, 'merged'), digest: await merged.digest() });
      const { adapter } = await readAdapter(ADAPTER, { model: base, folder: undefined, anyBase: true });
      expect(await languageWeights(merged)).toEqual(mergedWeights(await languageWeights(base), adapter));
      expect([...merged.weights.specs.keys()].sort()).toEqual([...base.weights.specs.keys()].sort());
    } finally {
      await base.close();
      await merged.close();
    }
  });

  it('refuses an adapter of another base, unless any name will do, and leaves nothing', async () => {
    const other = join(root, 'other-name');
    cpSync(MODEL, other, { recursive: true });
    await expect(merge({ folder: other })).rejects.toThrow(InvalidInput);
    await expect(merge({ folder: SHIPPED_DAMA })).rejects.toThrow();
    expect(await readdir(root)).toEqual(['other-name']);
    await merge({ folder: other, anyBase: true });
    await expect(merge()).rejects.toThrow('Expected a folder that is not there yet');
  });
});

describe('genki model inspect', () => {
  it.each([[MODEL, 'T5, 2 layers of 24, but there is no tokenizer.json', 'EnCodec, 32000 Hz'], [SHIPPED_DAMA, 'words of its own', 'the sound chip'], [golden('sharded-stereo'), 'T5', 'stereo']])('says what %s holds', async (folder, told, sound) => {
    await inspectModel({ folder, json: false });
    expect(said).toContain(told);
    expect(said).toContain(sound);
    said = '';
    await inspectModel({ folder, json: true });
    expect((JSON.parse(said) as { digest: string }).digest).toMatch(/^[\w+/]{43}=$/);
  });
});
