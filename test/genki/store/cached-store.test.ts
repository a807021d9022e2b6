import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChecksumMismatch, ObjectMissing, TooLarge } from '../../../genki/errors.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { createCachedStore } from '../../../genki/store/cached-store.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectRef, ObjectStore } from '../../../genki/store/object-store.ts';
import { seededBytes } from './conformance.ts';

const LIMIT = { maxBytes: 1 << 20 };
const KIB = 1024;
let base: string;
let places = 0;
const newPlace = (): string => join(base, String(places++));

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'genki-cache-'));
});
afterAll(() => rmSync(base, { recursive: true }));

const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
const entries = (folder: string): string[] => readdirSync(folder).filter((name) => !name.startsWith('.'));
const bytesIn = (folder: string): number => entries(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

describe('cached store', () => {
  let folder: string;
  let store: ObjectStore;
  /** Keys whose bytes were asked of the store itself. */
  let fetched: string[];
  const cached = (maxBytes = 1 << 20): ObjectStore => {
    const counting: ObjectStore = {
      ...store,
      get: (ref, options) => (fetched.push(ref.key), store.get(ref, options)),
      getFile: (ref, path, options) => (fetched.push(ref.key), store.getFile(ref, path, options)),
    };
    return createCachedStore(counting, { folder, maxBytes });
  };
  const put = (key: string, bytes = 10 * KIB): Promise<ObjectRef> => store.putOnce('miner-1', key, seededBytes(bytes, key));
  beforeEach(() => {
    folder = newPlace();
    store = createFolderStore(newPlace());
    fetched = [];
  });

  it('has bytes travel once, into memory or into a file, also for the next process and under another name', async () => {
    const ref = await put('a');
    const copy = await store.putOnce('miner-2', 'frozen/a', seededBytes(10 * KIB, 'a'));
    const path = join(base, 'file');
    expect(sha256(await cached().get(ref, LIMIT))).toBe(ref.sha256);
    expect(sha256(await cached().get(copy, LIMIT))).toBe(ref.sha256);
    await cached().getFile(ref, path, LIMIT);
    expect(sha256(readFileSync(path))).toBe(ref.sha256);
    const other = await put('b');
    await cached().getFile(other, path, LIMIT);
    writeFileSync(path, 'of its owner again');
    expect(sha256(await cached().get(other, LIMIT))).toBe(other.sha256);
    expect(fetched).toEqual(['a', 'b']);
    rmSync(path);
  });

  it('gives nothing that is not in the store, and no more than the reader allows', async () => {
    const ref = await put('a');
    await cached().get(ref, LIMIT);
    await expect(cached().get(ref, { maxBytes: 100 })).rejects.toThrow(TooLarge);
    await expect(cached().get({ ...ref, bytes: 100 }, LIMIT)).rejects.toThrow(ChecksumMismatch);
    await expect(cached().get({ ...ref, key: 'never/there' }, LIMIT)).rejects.toThrow(ObjectMissing);
    await store.delete('miner-1', 'a');
    await expect(cached().get(ref, LIMIT)).rejects.toThrow(ObjectMissing);
    expect(entries(folder)).toEqual([ref.sha256]);
  });

  it.each<[string, (entry: string) => void]>([
    ['was cut short', (entry) => truncateSync(entry, 100)],
    ['was changed', (entry) => writeFileSync(entry, seededBytes(10 * KIB, 'other'))],
    ['grew', (entry) => writeFileSync(entry, seededBytes(1 << 20, 'grown'))],
    ['is empty', (entry) => truncateSync(entry, 0)],
    ['is a link', (entry) => (rmSync(entry), symlinkSync('/etc/hostname', entry))],
  ])('throws away an entry that %s, and fetches the bytes again', async (_, spoil) => {
    const ref = await put('a');
    const path = join(base, 'again');
    for (const read of [() => cached().get(ref, LIMIT), async () => (await cached().getFile(ref, path, LIMIT), readFileSync(path))]) {
      await cached().get(ref, LIMIT);
      spoil(join(folder, ref.sha256));
      fetched = [];
      expect(sha256(await read())).toBe(ref.sha256);
      expect(fetched).toEqual(['a']);
      expect(sha256(readFileSync(join(folder, ref.sha256)))).toBe(ref.sha256);
      fetched = [];
      await cached().get(ref, LIMIT);
      expect(fetched).toEqual([]);
    }
    rmSync(path);
  });

  it('drops what was not used for the longest time', async () => {
    const refs = [];
    for (const key of ['a', 'b', 'c']) refs.push(await put(key, 12 * KIB));
    const [a, b, c] = refs as [ObjectRef, ObjectRef, ObjectRef];
    const small = cached(40 * KIB);
    for (const ref of [a, b, c, a]) await small.get(ref, LIMIT);
    await small.get(await put('d', 12 * KIB), LIMIT);
    expect(entries(folder)).not.toContain(b.sha256);
    expect(entries(folder)).toContain(a.sha256);
    await small.get(a, LIMIT);
    expect(fetched).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps within its bytes, and nothing that alone is more', async () => {
    const random = new Random('cache sizes');
    const small = cached(64 * KIB);
    for (let i = 0; i < 20; i++) {
      const ref = await put(`k${i}`, random.int(30 * KIB));
      expect(sha256(await small.get(ref, LIMIT))).toBe(ref.sha256);
      expect(bytesIn(folder)).toBeLessThanOrEqual(64 * KIB);
    }
    expect(entries(folder).length).toBeGreaterThan(1);
    const large = await put('large', 65 * KIB);
    await small.get(large, LIMIT);
    expect(entries(folder)).not.toContain(large.sha256);
  });

  it('is shared by many at once', async () => {
    const refs = await Promise.all(Array.from({ length: 16 }, (_, i) => put(`k${i}`, 8 * KIB)));
    const sharers = Array.from({ length: 4 }, () => cached(64 * KIB));
    await Promise.all(sharers.map(async (sharer, i) => {
      const random = new Random(`sharer ${i}`);
      for (let n = 0; n < 24; n++) {
        const ref = random.pick(refs);
        expect(sha256(await sharer.get(ref, LIMIT))).toBe(ref.sha256);
      }
    }));
    expect(bytesIn(folder)).toBeLessThanOrEqual(64 * KIB * (1 + 3 / 16));
    expect(readdirSync(join(folder, '.incoming'))).toEqual([]);
  });

  it('sweeps what a killed process was writing', async () => {
    const gone = Number(execFileSync(process.execPath, ['-p', 'process.pid']));
    mkdirSync(join(folder, '.incoming'), { recursive: true });
    writeFileSync(join(folder, '.incoming', `${gone}-draft`), 'half of it');
    cached();
    expect(readdirSync(join(folder, '.incoming'))).toEqual([]);
  });

  it('steps aside where the disk does not take it', async () => {
    const ref = await put('a');
    const path = join(base, 'aside');
    writeFileSync(folder, 'no folder');
    const never = cached();
    folder = newPlace();
    const noMore = cached();
    rmSync(folder, { recursive: true });
    for (const sharer of [never, noMore]) {
      for (let n = 0; n < 2; n++) {
        expect(sha256(await sharer.get(ref, LIMIT))).toBe(ref.sha256);
        await sharer.getFile(ref, path, LIMIT);
      }
    }
    expect(sha256(readFileSync(path))).toBe(ref.sha256);
    expect(fetched).toHaveLength(8);
    rmSync(path);
  });

  it('takes no name for a path', async () => {
    const ref = await put('a');
    const secret = newPlace();
    writeFileSync(secret, 'secret');
    cached();
    for (const sha of [`../${secret.split('/').at(-1)}`, '', '.incoming', ref.sha256.toUpperCase()]) {
      await expect(cached().get({ ...ref, sha256: sha }, LIMIT)).rejects.toThrow(ChecksumMismatch);
    }
    expect(readFileSync(secret, 'utf8')).toBe('secret');
  });
});
