import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { KEPT_CHECKPOINTS, KEPT_WINDOWS, pruneLog, pruneRounds, roundDamaPrefix, stateFolder } from '../../activities/prune-log.ts';
import { keepState } from '../../activities/window-states.ts';
import type { WindowState } from '../../genki/federation/window-state.ts';
import { canonicalJson } from '../../genki/protocol/canonical-json.ts';
import { fileDigest, sha256Hex } from '../../genki/protocol/digests.ts';
import { windowKey, windowPrefix } from '../../genki/protocol/window-log.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';

const root = mkdtempSync(join(tmpdir(), 'genki-log-'));
const store = createFolderStore(root);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const digest = fileDigest('windows');
let shelves = 0;
const openShelf = () => ({ bucket: `vera-${shelves}`, privateBucket: `vera-private-${shelves++}`, competition: 'rw', digest });
type Shelf = ReturnType<typeof openShelf>;
const put = (bucket: string, key: string, body = key) => store.putOnce(bucket, key, new TextEncoder().encode(body));
async function keysIn(bucket: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(bucket, prefix)) keys.push(key);
  return keys;
}

/** What a window leaves behind, in both buckets. */
async function close({ bucket, privateBucket }: Shelf, window: number): Promise<void> {
  await put(bucket, windowKey('rw', window));
  for (const name of [`${'a'.repeat(64)}.safetensors`, 'scores.json']) await put(bucket, `${windowPrefix('rw', window)}/${name}`);
  await put(privateBucket, `receipts/rw/${String(window).padStart(10, '0')}.json`);
}

async function checkpoint({ bucket }: Shelf, window: number): Promise<WindowState> {
  const name = fileDigest(`model ${window}`);
  const folder = `checkpoints/rw/${stateFolder(name)}`;
  const state = { digest: name, dama: { digest: name, weights: await put(bucket, `${folder}/model.safetensors`), config: await put(bucket, `${folder}/config.json`) }, momentum: null };
  const json = canonicalJson({ version: 1, window, entry: sha256Hex(new TextEncoder().encode(String(window))), state });
  await put(bucket, `checkpoints/rw/${sha256Hex(new TextEncoder().encode(json)).slice(0, 40)}.json`, json);
  return state;
}

describe('what a validator keeps', () => {
  it('are the newest hundred windows that it closed, whatever lies between them', async () => {
    const shelf = openShelf();
    // a month in which nobody closed any
    const windows = [...Array.from({ length: 5 }, (_, i) => i), ...Array.from({ length: KEPT_WINDOWS - 2 }, (_, i) => 4711 + i)];
    await Promise.all(windows.map((window) => close(shelf, window)));
    await put(shelf.bucket, 'windows/other/0000000000.json');
    await pruneLog(store, shelf);
    const kept = (await keysIn(shelf.bucket, 'windows/rw/')).filter((key) => key.endsWith('/scores.json'));
    expect(kept).toEqual(windows.slice(3).map((window) => `${windowPrefix('rw', window)}/scores.json`));
    expect(await keysIn(shelf.bucket, 'windows/')).toHaveLength(3 * KEPT_WINDOWS + 1);
    expect(await keysIn(shelf.privateBucket, 'receipts/')).toHaveLength(KEPT_WINDOWS);
    // nothing more the second time
    await pruneLog(store, shelf);
    expect(await keysIn(shelf.bucket, 'windows/')).toHaveLength(3 * KEPT_WINDOWS + 1);
  });

  it('are the newest checkpoints, and the models that windows go on from', async () => {
    const shelf = openShelf();
    const states: WindowState[] = [];
    for (let window = 0; window < 8; window++) states.push(await checkpoint(shelf, window));
    // copied, and no checkpoint of it signed yet
    const next = fileDigest('next');
    await put(shelf.bucket, `checkpoints/rw/${stateFolder(next)}/model.safetensors`);
    await keepState(store, { bucket: shelf.privateBucket, competition: 'rw' }, { competition: digest, window: 9, state: { ...states[0]!, digest: next }, entry: null });
    await put(shelf.bucket, `checkpoints/rw/${stateFolder(fileDigest('abandoned'))}/model.safetensors`);
    await pruneLog(store, shelf);
    const kept = await keysIn(shelf.bucket, 'checkpoints/rw/');
    expect(kept.filter((key) => key.endsWith('.json') && !key.endsWith('config.json'))).toHaveLength(KEPT_CHECKPOINTS);
    expect(kept.filter((key) => key.endsWith('model.safetensors')).toSorted()).toEqual([...states.slice(-KEPT_CHECKPOINTS).map((state) => state.digest), next].map((name) => `checkpoints/rw/${stateFolder(name)}/model.safetensors`).toSorted());
  });

  it('are the Damas of the newest three rounds', async () => {
    const shelf = openShelf();
    for (const epoch of [9, 10, 99, 100, 1000]) await put(shelf.bucket, `${roundDamaPrefix('rw', epoch)}/abc/model.safetensors`);
    await pruneRounds(store, shelf);
    expect(await keysIn(shelf.bucket, 'damas/')).toEqual([99, 100, 1000].map((epoch) => `${roundDamaPrefix('rw', epoch)}/abc/model.safetensors`));
  });
});
