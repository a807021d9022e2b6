import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { keepState, newestState, pruneStates, statePrefix } from '../../activities/window-states.ts';
import type { WindowState } from '../../genki/federation/window-state.ts';
import { fileDigest } from '../../genki/protocol/digests.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';

const root = mkdtempSync(join(tmpdir(), 'genki-states-'));
const store = createFolderStore(root);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const competition = fileDigest('windows');
let shelves = 0;
const openShelf = () => ({ bucket: `anna-private-${shelves++}`, competition: 'rw' });
type Shelf = ReturnType<typeof openShelf>;

/** A model whose objects lie below a window's prefix. */
async function model(shelf: Shelf, window: number, name: string): Promise<WindowState> {
  const put = (file: string) => store.putOnce(shelf.bucket, `${statePrefix(shelf, window)}/${name}/${file}`, new TextEncoder().encode(`${name} ${file}`));
  return { digest: fileDigest(name), dama: { digest: fileDigest(name), weights: await put('model.safetensors'), config: await put('config.json') }, momentum: await put('momentum.safetensors') };
}
const keep = (shelf: Shelf, window: number, state: WindowState, entry: ObjectRef | null = null): Promise<void> => keepState(store, shelf, { competition, window, state, entry });
async function keysOf({ bucket }: Shelf): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(bucket, '')) keys.push(key);
  return keys;
}

describe('the models that a node keeps', () => {
  it('are found again, the newest first', async () => {
    const shelf = openShelf();
    expect(await newestState(store, shelf, competition)).toBeUndefined();
    const [nine, ten] = [await model(shelf, 9, 'nine'), await model(shelf, 10, 'ten')];
    await keep(shelf, 10, ten);
    await keep(shelf, 9, nine);
    await keep(shelf, 10, ten);
    expect(await newestState(store, shelf, competition)).toEqual({ window: 10, state: ten, entry: null });
    // of another version of the competition they are nobody's
    expect(await newestState(store, shelf, fileDigest('others'))).toBeUndefined();
  });

  it('give way to the one that the log has', async () => {
    const shelf = openShelf();
    await keep(shelf, 3, await model(shelf, 3, 'astray'));
    const right = await model(shelf, 3, 'right');
    await keep(shelf, 3, right);
    expect(await newestState(store, shelf, competition)).toEqual({ window: 3, state: right, entry: null });
  });

  it('are forgotten but for three, with all objects that none of these has', async () => {
    const shelf = openShelf();
    const states = new Map<number, WindowState>();
    for (const window of [0, 1, 2, 3, 4]) {
      // nobody closed windows 1 to 3: their models are that of window 1
      const state = window > 1 && window < 4 ? states.get(1)! : await model(shelf, window, `model-${window}`);
      states.set(window, state);
      await keep(shelf, window, state);
    }
    await pruneStates(store, shelf);
    await pruneStates(store, shelf);
    const json = [2, 3, 4].map((window) => `${statePrefix(shelf, window)}.json`);
    const objects = [1, 4].flatMap((window) => ['config.json', 'model.safetensors', 'momentum.safetensors'].map((file) => `${statePrefix(shelf, window)}/model-${window}/${file}`));
    expect(await keysOf(shelf)).toEqual([...json, ...objects].toSorted());
  });
});
