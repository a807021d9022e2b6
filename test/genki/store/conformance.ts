import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChecksumMismatch, InvalidInput, ObjectMissing, StoreUnavailable, TooLarge } from '../../../genki/errors.ts';
import { Random } from '../../../genki/protocol/random.ts';
import type { ObjectRef, ObjectStore } from '../../../genki/store/object-store.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
const LIMIT = { maxBytes: 1 << 24 };

/** What the conformance suite puts into; a bucket `nobody` there must not be. */
export const BUCKETS = ['miner-1', 'miner-2', 'race', 'lists'] as const;

async function keysOf(store: ObjectStore, bucket: string, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(bucket, prefix)) keys.push(key);
  return keys;
}

/** Of any length, always the same. */
export const seededBytes = (length: number, seed: string): Uint8Array => (length === 0 ? new Uint8Array(0) : createHash('shake256', { outputLength: length }).update(seed).digest());

/**
 * What every ObjectStore keeps to. Each test asks for a store with empty `BUCKETS`.
 * @param largeBytes of the largest file: for a store that takes large ones in parts, more than two of them
 */
export function objectStoreConformance(create: () => Promise<ObjectStore>, largeBytes = 600_000): void {
  describe('putOnce and get', () => {
    it.each([0, 1, 4095, 300_001])('gives %i bytes back as they were', async (length) => {
      const store = await create();
      const body = seededBytes(length, `body ${length}`);
      const ref = await store.putOnce('miner-1', 'adapters/w1/adapter.safetensors', body);
      expect(ref).toEqual({ bucket: 'miner-1', key: 'adapters/w1/adapter.safetensors', sha256: sha256(body), bytes: length });
      for (const got of [await store.get(ref, LIMIT), await store.getByKey(ref.bucket, ref.key, LIMIT)]) expect(Buffer.compare(got, body)).toBe(0);
      expect(await store.head(ref.bucket, ref.key)).toEqual({ bytes: length });
    });

    it('takes the same bytes again', async () => {
      const store = await create();
      const first = await store.putOnce('miner-1', 'a.json', text('{}'));
      expect(await store.putOnce('miner-1', 'a.json', text('{}'))).toEqual(first);
    });

    it.each([['other', 'bytes'], ['more', 'bytes!'], ['fewer', 'byte']])('refuses %s bytes under a key that is taken, and keeps the first', async (_, body) => {
      const store = await create();
      const ref = await store.putOnce('miner-1', 'a.json', text('words'));
      await expect(store.putOnce('miner-1', 'a.json', text(body))).rejects.toThrow(ChecksumMismatch);
      expect(await store.get(ref, LIMIT)).toEqual(text('words'));
    });

    it('lets one of many writers of a key win, and tells the others', async () => {
      const store = await create();
      const bodies = Array.from({ length: 12 }, (_, i) => seededBytes(5000 + i, `writer ${i}`));
      const outcomes = await Promise.allSettled(bodies.map((body) => store.putOnce('race', 'one', body)));
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(won).toHaveLength(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ChecksumMismatch);
      expect(sha256(await store.getByKey('race', 'one', LIMIT))).toBe(won[0]!.sha256);
    });

    it('lets many writers of the same bytes all win', async () => {
      const store = await create();
      const refs = await Promise.all(Array.from({ length: 12 }, () => store.putOnce('race', 'same', seededBytes(5000, 'same'))));
      expect(new Set(refs.map((ref) => ref.sha256)).size).toBe(1);
      expect(await keysOf(store, 'race')).toEqual(['same']);
    });

    it('keeps the same key of two buckets apart', async () => {
      const store = await create();
      const a = await store.putOnce('miner-1', 'x', text('a'));
      const b = await store.putOnce('miner-2', 'x', text('b'));
      expect([await store.get(a, LIMIT), await store.get(b, LIMIT)]).toEqual([text('a'), text('b')]);
    });
  });

  describe('what is not there, too large or other', () => {
    it('misses an object, a bucket and a folder', async () => {
      const store = await create();
      await store.putOnce('miner-1', 'folder/a', text('a'));
      for (const [bucket, key] of [['miner-1', 'b'], ['nobody', 'folder/a'], ['miner-1', 'folder'], ['miner-1', 'folder/a/b']] as const) {
        await expect(store.getByKey(bucket, key, LIMIT)).rejects.toThrow(ObjectMissing);
        expect(await store.head(bucket, key)).toBeUndefined();
      }
    });

    it('reads up to the limit and not a byte further', async () => {
      const store = await create();
      const ref = await store.putOnce('miner-1', 'a', seededBytes(1000, 'a'));
      expect(await store.get(ref, { maxBytes: 1000 })).toHaveLength(1000);
      await expect(store.get(ref, { maxBytes: 999 })).rejects.toThrow(TooLarge);
      await expect(store.getByKey(ref.bucket, ref.key, { maxBytes: 0 })).rejects.toThrow(TooLarge);
    });

    it('believes the limit, not a reference that lies about its size', async () => {
      const store = await create();
      const ref = await store.putOnce('miner-1', 'a', seededBytes(1000, 'a'));
      await expect(store.get({ ...ref, bytes: 10 }, { maxBytes: 100 })).rejects.toThrow(TooLarge);
      await expect(store.get({ ...ref, bytes: 10 }, LIMIT)).rejects.toThrow(ChecksumMismatch);
      await expect(store.get({ ...ref, bytes: Number.MAX_SAFE_INTEGER }, LIMIT)).rejects.toThrow(ChecksumMismatch);
    });

    it('names both digests when the bytes are not the referenced ones', async () => {
      const store = await create();
      const ref = await store.putOnce('miner-1', 'a', text('a'));
      const other = sha256(text('b'));
      await expect(store.get({ ...ref, sha256: other }, LIMIT)).rejects.toThrow(`Expected miner-1/a to have sha256 ${other}, got ${ref.sha256}`);
    });

    it('stops when it is told to', async () => {
      const store = await create();
      const ref = await store.putOnce('miner-1', 'a', seededBytes(1000, 'a'));
      const signal = AbortSignal.abort(new Error('told to stop'));
      const { bucket, key } = ref;
      const calls = [
        () => store.get(ref, { ...LIMIT, signal }),
        () => store.getByKey(bucket, key, { ...LIMIT, signal }),
        () => store.getRange(bucket, key, { start: 0, end: 9 }, { ...LIMIT, signal }),
        () => store.getFile(ref, join(tmpdir(), 'genki-nothing'), { ...LIMIT, signal }),
        () => store.putOnce(bucket, 'b', text('b'), { signal }),
        () => store.putFile(bucket, 'b', import.meta.filename, { signal }),
        () => store.head(bucket, key, { signal }),
        () => store.delete(bucket, key, { signal }),
        () => store.createBucket('new-one', { signal }),
        () => store.list(bucket, '', { signal })[Symbol.asyncIterator]().next(),
      ];
      for (const call of calls) await expect(call()).rejects.toThrow('told to stop');
      expect(await keysOf(store, bucket)).toEqual([key]);
    });
  });

  describe('files', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'genki-files-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));
    const file = async (body: Uint8Array, name = 'file'): Promise<string> => {
      const path = join(folder, name);
      await writeFile(path, body);
      return path;
    };

    it.each([0, 1, 300_001, largeBytes])('come back as they were, %i bytes of them', async (length) => {
      const store = await create();
      const body = seededBytes(length, `file ${length}`);
      const ref = await store.putFile('miner-1', 'files/a', await file(body));
      expect(ref).toEqual({ bucket: 'miner-1', key: 'files/a', sha256: sha256(body), bytes: length });
      await file(text('to be replaced'), 'copy');
      await store.getFile(ref, join(folder, 'copy'), LIMIT);
      for (const got of [await readFile(join(folder, 'copy')), await store.get(ref, LIMIT)]) expect(Buffer.compare(got, body)).toBe(0);
      expect((await readdir(folder)).sort()).toEqual(['copy', 'file']);
    });

    it('are as immutable as bodies are, small and large', async () => {
      const store = await create();
      for (const length of [10, largeBytes]) {
        const body = seededBytes(length, 'first');
        const key = `files/${length}`;
        const ref = await store.putFile('miner-1', key, await file(body));
        expect(await store.putFile('miner-1', key, await file(body))).toEqual(ref);
        expect(await store.putOnce('miner-1', key, body)).toEqual(ref);
        await expect(store.putFile('miner-1', key, await file(seededBytes(length, 'second')))).rejects.toThrow(ChecksumMismatch);
        await expect(store.putOnce('miner-1', key, seededBytes(length + 1, 'third'))).rejects.toThrow(ChecksumMismatch);
        expect(sha256(await store.get(ref, LIMIT))).toBe(ref.sha256);
      }
    });

    it('must be files', async () => {
      const store = await create();
      await mkdir(join(folder, 'sub'));
      for (const path of [join(folder, 'none'), join(folder, 'sub'), join(await file(text('a')), 'below')]) await expect(store.putFile('miner-1', 'a', path)).rejects.toThrow(InvalidInput);
      expect(await store.head('miner-1', 'a')).toBeUndefined();
    });

    it('appear whole or not at all', async () => {
      const store = await create();
      const ref = await store.putOnce('miner-1', 'a', seededBytes(300_000, 'a'));
      const path = await file(text('as it was'), 'kept');
      await expect(store.getFile(ref, path, { maxBytes: 299_999 })).rejects.toThrow(TooLarge);
      await expect(store.getFile({ ...ref, sha256: sha256(text('b')) }, path, LIMIT)).rejects.toThrow(ChecksumMismatch);
      await expect(store.getFile({ ...ref, bytes: 3 }, path, LIMIT)).rejects.toThrow(ChecksumMismatch);
      await expect(store.getFile({ ...ref, key: 'none' }, path, LIMIT)).rejects.toThrow(ObjectMissing);
      await expect(store.getFile({ ...ref, bucket: 'nobody' }, path, LIMIT)).rejects.toThrow(ObjectMissing);
      await expect(store.getFile(ref, join(folder, 'no', 'folder'), LIMIT)).rejects.toThrow(StoreUnavailable);
      expect(await readFile(path, 'utf8')).toBe('as it was');
      expect(await readdir(folder)).toEqual(['kept']);
    });

    it('are written by many at once', async () => {
      const store = await create();
      const body = seededBytes(500_000, 'shared');
      const ref = await store.putOnce('miner-1', 'a', body);
      const path = join(folder, 'one');
      await Promise.all(Array.from({ length: 8 }, () => store.getFile(ref, path, LIMIT)));
      expect(sha256(await readFile(path))).toBe(ref.sha256);
      expect(await readdir(folder)).toEqual(['one']);
    });
  });

  describe('getRange', () => {
    it.each([[0, 0], [0, 1], [3, 7], [990, 1000], [990, 2000], [1000, 1001], [5000, 6000], [0, 1000], [1000, 1000]])('gives the bytes from %i up to %i, as far as there are any', async (start, end) => {
      const store = await create();
      const body = seededBytes(1000, 'range');
      const { bucket, key } = await store.putOnce('miner-1', 'a', body);
      expect(Buffer.compare(await store.getRange(bucket, key, { start, end }, LIMIT), body.subarray(start, end))).toBe(0);
    });

    it('gives nothing of an empty object, and misses what is not there', async () => {
      const store = await create();
      await store.putOnce('miner-1', 'empty', text(''));
      expect(await store.getRange('miner-1', 'empty', { start: 0, end: 10 }, LIMIT)).toHaveLength(0);
      for (const range of [{ start: 0, end: 0 }, { start: 1, end: 2 }]) await expect(store.getRange('miner-1', 'none', range, LIMIT)).rejects.toThrow(ObjectMissing);
    });

    it.each([[2, 1], [-1, 1], [0.5, 1], [0, Infinity], [Number.NaN, 1]])('takes %d up to %d for no range', async (start, end) => {
      const store = await create();
      await store.putOnce('miner-1', 'a', text('abc'));
      await expect(store.getRange('miner-1', 'a', { start, end }, LIMIT)).rejects.toThrow(InvalidInput);
    });

    it('takes no range above the limit', async () => {
      const store = await create();
      await store.putOnce('miner-1', 'a', text('abc'));
      await expect(store.getRange('miner-1', 'a', { start: 0, end: 3 }, { maxBytes: 2 })).rejects.toThrow(TooLarge);
    });
  });

  describe('createBucket', () => {
    it('makes a bucket, and leaves one that is there as it is', async () => {
      const store = await create();
      await store.createBucket('new-one');
      const ref = await store.putOnce('new-one', 'a', text('a'));
      await store.createBucket('new-one');
      expect(await store.get(ref, LIMIT)).toEqual(text('a'));
      await expect(store.createBucket('../x')).rejects.toThrow(InvalidInput);
    });
  });

  describe('list', () => {
    it('gives the keys below a prefix in the order of their characters', async () => {
      const store = await create();
      const keys = ['a', 'a-b', 'a.c', 'a0', 'b/c/d', 'b/c.d', 'b-', 'b0', 'B', 'manifests/1.json', 'manifests/2.json'];
      for (const key of new Random('list').shuffle(keys.filter((key) => key !== 'a'))) await store.putOnce('lists', key, text(key));
      await store.putOnce('lists', 'a', text('a'));
      expect(await keysOf(store, 'lists')).toEqual(keys.sort());
      for (const prefix of ['', 'b', 'b/', 'b/c', 'b/c/', 'manifests/', 'manifests/1', 'none', 'none/']) {
        expect(await keysOf(store, 'lists', prefix)).toEqual(keys.filter((key) => key.startsWith(prefix)));
      }
      expect(await keysOf(store, 'nobody')).toEqual([]);
    });
  });

  describe('delete', () => {
    it('removes one object, and is content when there is none', async () => {
      const store = await create();
      const ref = await store.putOnce('miner-1', 'a/b', text('b'));
      await store.putOnce('miner-1', 'a/c', text('c'));
      await store.delete('miner-1', 'a');
      await store.delete('miner-1', 'a/b');
      await store.delete('miner-1', 'a/b');
      await expect(store.get(ref, LIMIT)).rejects.toThrow(ObjectMissing);
      expect(await keysOf(store, 'miner-1')).toEqual(['a/c']);
      await store.putOnce('miner-1', 'a/b', text('anew'));
      expect(await store.getByKey('miner-1', 'a/b', LIMIT)).toEqual(text('anew'));
    });
  });

  describe('names from outside', () => {
    const keys = ['', '/', '/etc/passwd', '..', '../miner-2/a', 'a/../../b', 'a/./b', 'a//b', 'a/', '.hidden', 'a/.b', 'a\0b', 'a\\..\\b', 'C:a', 'a b', 'é', '%2e%2e', 'a\nb', 'k'.repeat(129), 'k/'.repeat(300)];
    const buckets = ['', 'ab', '..', '.incoming', 'Upper', 'a/b', 'a_b', 'b'.repeat(64), 'a\0b', '../x'];

    it.each([...keys.map((key) => ['miner-1', key]), ...buckets.map((bucket) => [bucket, 'a'])])('opens nothing for %j / %j', async (bucket, key) => {
      const store = await create();
      const ref: ObjectRef = { bucket, key, sha256: sha256(text('a')), bytes: 1 };
      await expect(store.putOnce(bucket, key, text('a'))).rejects.toThrow(InvalidInput);
      await expect(store.get(ref, LIMIT)).rejects.toThrow(InvalidInput);
      await expect(store.getByKey(bucket, key, LIMIT)).rejects.toThrow(InvalidInput);
      await expect(store.head(bucket, key)).rejects.toThrow(InvalidInput);
      await expect(store.delete(bucket, key)).rejects.toThrow(InvalidInput);
    });

    it.each([['miner-1', '../'], ['miner-1', '/'], ['miner-1', 'a//'], ['miner-1', '.'], ['..', '']])('lists nothing for %j / %j', async (bucket, prefix) => {
      await expect(keysOf(await create(), bucket, prefix)).rejects.toThrow(InvalidInput);
    });
  });
}
