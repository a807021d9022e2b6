import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChecksumMismatch, InvalidInput, ObjectMissing, StoreUnavailable } from '../../../genki/errors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../../genki/store/object-store.ts';
import { objectStoreConformance } from './conformance.ts';

const LIMIT = { maxBytes: 1 << 20 };
const body = new TextEncoder().encode('a body');
let base: string;
let stores = 0;
const newRoot = (): string => join(base, `store-${stores++}`);

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'genki-store-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function keysOf(store: ObjectStore, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(bucket, '')) keys.push(key);
  return keys;
}

describe('folder store', () => {
  objectStoreConformance(async () => createFolderStore(newRoot()));

  it('keeps objects for the next one who opens the folder', async () => {
    const root = newRoot();
    const ref = await createFolderStore(root).putOnce('miner-1', 'a/b', body);
    expect(await createFolderStore(root).get(ref, LIMIT)).toEqual(body);
    expect(await readFile(join(root, 'miner-1', 'a', 'b'))).toEqual(Buffer.from(body));
  });

  it('leaves no draft behind, whether a put succeeds or not', async () => {
    const root = newRoot();
    const store = createFolderStore(root);
    await store.putOnce('miner-1', 'a', body);
    await store.putOnce('miner-1', 'a', body);
    await expect(store.putOnce('miner-1', 'a', new Uint8Array(3))).rejects.toThrow(ChecksumMismatch);
    expect(await readdir(join(root, '.incoming'))).toEqual([]);
  });

  it('sweeps the drafts of writers that are no more, and only those', async () => {
    const root = newRoot();
    createFolderStore(root);
    const gone = Number(execFileSync(process.execPath, ['-p', 'process.pid']));
    await writeFile(join(root, '.incoming', `${gone}-draft`), 'left by a dead one');
    await writeFile(join(root, '.incoming', `${process.pid}-draft`), 'being written');
    createFolderStore(root);
    expect(await readdir(join(root, '.incoming'))).toEqual([`${process.pid}-draft`]);
  });

  it('shows nothing of an object whose writer is killed on the way, and takes it afterwards', async () => {
    const child = fileURLToPath(new URL('./putting-child.ts', import.meta.url));
    for (let round = 0; round < 3; round++) {
      const root = newRoot();
      const writer = spawn(process.execPath, ['--import', 'tsx', child, root, String(1 << 28)], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(writer.stdout, 'data');
      while ((await readdir(join(root, '.incoming'))).length === 0) await new Promise((resolve) => setImmediate(resolve));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      expect(await readdir(join(root, '.incoming'))).toHaveLength(1);

      const store = createFolderStore(root);
      expect(await readdir(join(root, '.incoming'))).toEqual([]);
      expect(await store.head('victim', 'large')).toBeUndefined();
      expect(await keysOf(store, 'victim')).toEqual([]);
      await store.putOnce('victim', 'large', body);
    }
  });

  it('cuts off a file that grows while it is read', async () => {
    const root = newRoot();
    const store = createFolderStore(root);
    await store.putOnce('miner-1', 'growing', new Uint8Array(1000));
    // asked before each read, so that the file is always ahead of its reader
    const grow = (): void => appendFileSync(join(root, 'miner-1', 'growing'), new Uint8Array(1 << 18));
    const signal = Object.assign(new AbortController().signal, { throwIfAborted: grow });
    await expect(store.getByKey('miner-1', 'growing', { ...LIMIT, signal })).rejects.toThrow('Expected miner-1/growing to have at most 1048576 bytes, got more');
    expect((await store.head('miner-1', 'growing'))!.bytes).toBeLessThan(3 << 20);
  });

  it('sees an object that was truncated or changed on the disk', async () => {
    const root = newRoot();
    const store = createFolderStore(root);
    const ref = await store.putOnce('miner-1', 'a', body);
    for (const found of ['a bod', 'another']) {
      await writeFile(join(root, 'miner-1', 'a'), found);
      await expect(store.get(ref, LIMIT)).rejects.toThrow(ChecksumMismatch);
      await expect(store.putOnce('miner-1', 'a', body)).rejects.toThrow(ChecksumMismatch);
    }
  });

  it('follows no link, to a file, to a folder or as a bucket', async () => {
    const root = newRoot();
    const store = createFolderStore(root);
    const outside = join(base, `outside-${stores}`);
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await store.putOnce('miner-1', 'a', body);
    await symlink(join(outside, 'secret'), join(root, 'miner-1', 'file'));
    await symlink(outside, join(root, 'miner-1', 'folder'));
    await symlink(outside, join(root, 'linked'));
    for (const [bucket, key] of [['miner-1', 'file'], ['miner-1', 'folder/secret'], ['linked', 'secret']] as const) {
      await expect(store.getByKey(bucket, key, LIMIT)).rejects.toThrow(ObjectMissing);
      expect(await store.head(bucket, key)).toBeUndefined();
      await store.delete(bucket, key);
      await expect(store.putOnce(bucket, key, body)).rejects.toThrow(Error);
    }
    await expect(store.putOnce('miner-1', 'folder/new', body)).rejects.toThrow(InvalidInput);
    await expect(store.putOnce('linked', 'new', body)).rejects.toThrow(InvalidInput);
    expect([await keysOf(store, 'miner-1'), await keysOf(store, 'linked')]).toEqual([['a'], []]);
    expect(await readdir(outside)).toEqual(['secret']);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('waits for no named pipe', async () => {
    const root = newRoot();
    const store = createFolderStore(root);
    await store.putOnce('miner-1', 'a', body);
    execFileSync('mkfifo', [join(root, 'miner-1', 'pipe')]);
    await expect(store.getByKey('miner-1', 'pipe', LIMIT)).rejects.toThrow(ObjectMissing);
    expect(await keysOf(store, 'miner-1')).toEqual(['a']);
  });

  it('refuses a key below an object', async () => {
    const store = createFolderStore(newRoot());
    await store.putOnce('miner-1', 'a', body);
    await expect(store.putOnce('miner-1', 'a/b', body)).rejects.toThrow(InvalidInput);
  });

  it('says that it is unavailable when its folder is gone', async () => {
    const root = newRoot();
    const store = createFolderStore(root);
    await rename(root, `${root}-moved`);
    await expect(store.putOnce('miner-1', 'a', body)).rejects.toThrow(StoreUnavailable);
  });

  it('writes again what another one swept by mistake', async () => {
    const root = newRoot();
    const store = createFolderStore(root);
    let isDone = false;
    const sweep = async (): Promise<void> => {
      for (let swept = 0; swept < 3 && !isDone; ) {
        for (const name of await readdir(join(root, '.incoming'))) {
          swept++;
          await rm(join(root, '.incoming', name), { force: true });
        }
      }
    };
    const large = new Uint8Array(1 << 22).fill(5);
    const [ref] = await Promise.all([store.putOnce('miner-1', 'a', large).finally(() => (isDone = true)), sweep()]);
    expect(await store.get(ref, { maxBytes: 1 << 22 })).toHaveLength(1 << 22);
  });
});
