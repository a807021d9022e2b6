import { mkdir, mkdtemp, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChecksumMismatch, InvalidInput, ObjectMissing, StoreUnavailable, TooLarge } from '../../genki/errors.ts';
import { sha256Hex as sha256 } from '../../genki/protocol/digests.ts';
import { createCachedStore } from '../../genki/store/cached-store.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import type { Patience } from '../../genki/store/retry.ts';
import { objectStoreConformance, seededBytes } from '../genki/store/conformance.ts';
import { times, type Fault } from './support/fault-proxy.ts';
import { HASTE, isGet, PART_BYTES, S3Site, storeAt } from './support/s3-site.ts';
import { CREDENTIALS } from './support/versitygw.ts';

const MIB = 2 ** 20;
const LIMIT = { maxBytes: 16 * MIB };
/** Of a server that does not go on. */
const STALL_MS = 600;

let site: S3Site;
beforeAll(async () => { site = await S3Site.start(); });
afterAll(() => site?.stop());

describe('S3 store', () => {
  const create = async (): Promise<ObjectStore> => {
    await site.empty();
    return site.direct();
  };
  describe('alone', () => objectStoreConformance(create, 2 * PART_BYTES + 7));
  describe('behind a cache', () => objectStoreConformance(async () => createCachedStore(await create(), { folder: await mkdtemp(join(site.folder, 'cache-')), maxBytes: 2 ** 26 })));
});

describe('S3 store, listing', () => {
  it('gives more keys than a page holds, in their order, and no folder or foreign name among them', async () => {
    await site.empty();
    const keys = Array.from({ length: 2345 }, (_, i) => [`r/${i}`, `r/${i}/x`, `r-${i}`, `s/${i}.json`][i % 4]!).filter((key) => !key.endsWith('/x') || Number(key.split('/')[1]) % 8 === 1);
    await Promise.all([...new Set(keys.map((key) => dirname(join(site.server.folder, 'lists', key))))].map((path) => mkdir(path, { recursive: true })));
    await Promise.all(keys.map((key) => writeFile(join(site.server.folder, 'lists', key), '')));
    await writeFile(join(site.server.folder, 'lists', 'a b%'), '');
    for (const prefix of ['', 'r', 'r/', 'r-', 's/1']) {
      const got: string[] = [];
      for await (const key of site.direct().list('lists', prefix)) got.push(key);
      expect(got).toEqual(keys.filter((key) => key.startsWith(prefix)).sort());
    }
  });
});

describe('S3 store, reading what goes wrong', () => {
  beforeEach(() => site.empty());

  it.each<[string, Fault]>([
    ['503 SlowDown', { kind: 'status', status: 503 }],
    ['500 InternalError', { kind: 'status', status: 500, code: 'InternalError' }],
    ['429 TooManyRequests', { kind: 'status', status: 429, code: 'TooManyRequests' }],
    ['ECONNRESET', { kind: 'reset' }],
  ])('asks again after %s, and gives up in the end with what was tried', async (said, fault) => {
    const ref = await site.put(1000);
    site.proxy.plan = times(3, fault);
    expect(await site.spoiled().get(ref, LIMIT)).toHaveLength(1000);
    expect(site.proxy.asked).toHaveLength(4);
    site.proxy.plan = () => fault;
    const calls = [() => site.spoiled().get(ref, LIMIT), () => site.spoiled().head('miner-1', 'a'), () => site.spoiled().delete('miner-1', 'a'), () => site.spoiled().putOnce('miner-1', 'b', new Uint8Array(9)), () => site.spoiled().createBucket('new-one'), () => site.spoiled().list('miner-1', '')[Symbol.asyncIterator]().next()];
    for (const call of calls) {
      const error: unknown = await call().catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect((error as Error).message).toContain(site.proxy.endpoint);
      expect((error as Error).message).toMatch(said.startsWith('E') ? /tried 4 times/ : new RegExp(`(${said}|${said.split(' ')[0]}).*tried 4 times`));
    }
    expect(await site.direct().get(ref, LIMIT)).toHaveLength(1000);
  });

  it.each([['nobody listens', 'http://127.0.0.1:1', 'ECONNREFUSED'], ['the name is unknown', 'http://nowhere.invalid', /ENOTFOUND|EAI_AGAIN/]])('says that %s', async (_, endpoint, reason) => {
    const error: unknown = await storeAt(endpoint).head('miner-1', 'a').catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect((error as Error).message).toMatch(reason);
    expect((error as Error).message).toMatch('tried 4 times');
  });

  it('takes no web page for an answer', async () => {
    const ref = await site.put(1000);
    site.proxy.plan = () => ({ kind: 'garbage' });
    await expect(site.spoiled().get(ref, LIMIT)).rejects.toThrow(StoreUnavailable);
    await expect(site.spoiled().list('miner-1', '')[Symbol.asyncIterator]().next()).rejects.toThrow(StoreUnavailable);
  });

  it('listens to no refusal or listing that never ends', async () => {
    await site.put(10);
    site.proxy.plan = () => ({ kind: 'endless' });
    const first = (): Promise<unknown> => site.spoiled().list('miner-1', '')[Symbol.asyncIterator]().next();
    for (const call of [first, () => site.spoiled().getByKey('miner-1', 'none', LIMIT)]) {
      const error: unknown = await call().catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect((error as Error).message).toMatch(/an answer of more than 8388608 bytes.*tried 4 times/);
    }
  });

  it('goes on by range, of the same version, where the connection broke', async () => {
    const ref = await site.put(2 * MIB);
    site.proxy.plan = times(2, { kind: 'cut', bytes: 300_000 }, isGet);
    expect(sha256(await site.spoiled().get(ref, LIMIT))).toBe(ref.sha256);
    const [first, second, third] = site.proxy.asked;
    expect(first!.headers.range).toBeUndefined();
    for (const [i, later] of [second!, third!].entries()) {
      const from = Number(/^bytes=(\d+)-$/.exec(later.headers.range!)![1]);
      expect(from).toBeGreaterThan(0);
      expect(from).toBeLessThanOrEqual(300_000 * (i + 1));
      expect(later.headers['if-match']).toMatch(/^"/);
    }
    expect(site.proxy.asked).toHaveLength(3);
  });

  it('goes on as long as there is progress, however often the connection breaks', async () => {
    const ref = await site.put(12 * MIB);
    site.proxy.plan = () => ({ kind: 'cut', bytes: MIB + 100_000 });
    expect(sha256(await site.spoiled().get(ref, LIMIT))).toBe(ref.sha256);
    expect(site.proxy.count('GET')).toBeGreaterThan(8);
  });

  it('never mixes two versions of an object', async () => {
    const [first, second] = [seededBytes(2 * MIB, 'first'), seededBytes(2 * MIB, 'second')];
    const ref = await site.direct().putOnce('miner-1', 'a', first);
    const replace = async (): Promise<void> => void (await site.raw.putObject({ Bucket: 'miner-1', Key: 'a', Body: second }));
    site.proxy.plan = times(1, { kind: 'cut', bytes: MIB, first: replace });
    expect(sha256(await site.spoiled().getByKey('miner-1', 'a', LIMIT))).toBe(sha256(second));
    await expect(site.spoiled().get(ref, LIMIT)).rejects.toThrow(ChecksumMismatch);
    await site.raw.putObject({ Bucket: 'miner-1', Key: 'a', Body: first });
    site.proxy.plan = times(1, { kind: 'cut', bytes: MIB, first: () => truncate(join(site.server.folder, 'miner-1', 'a'), 1000) });
    await expect(site.spoiled().get(ref, LIMIT)).rejects.toThrow(ChecksumMismatch);
  });

  it.each<[string, Fault]>([
    ['fewer bytes than there are', { kind: 'announce', bytes: 900 }],
    ['more bytes than there are', { kind: 'announce', bytes: 1100 }],
    ['no end', { kind: 'endless' }],
    ['an end far away', { kind: 'endless', announce: MIB }],
    ['other bytes', { kind: 'corrupt' }],
  ])('survives an answer that once gives %s', async (_, fault) => {
    const ref = await site.put(1000);
    site.proxy.plan = times(1, fault, isGet);
    expect(sha256(await site.spoiled().get(ref, LIMIT))).toBe(ref.sha256);
  });

  it('reads no further than the limit, whatever is announced', async () => {
    const ref = await site.put(1000);
    for (const fault of [{ kind: 'endless', announce: 2000 }, { kind: 'announce', bytes: 2 ** 40 }] as const) {
      site.proxy.plan = () => fault;
      await expect(site.spoiled().get(ref, { maxBytes: 1500 })).rejects.toThrow(TooLarge);
    }
    site.proxy.plan = () => ({ kind: 'endless' });
    await expect(site.spoiled().get(ref, { maxBytes: 1500 })).rejects.toThrow(StoreUnavailable);
    site.proxy.plan = () => ({ kind: 'announce', bytes: 900 });
    await expect(site.spoiled().get(ref, LIMIT)).rejects.toThrow(ChecksumMismatch);
    site.proxy.plan = () => ({ kind: 'announce', bytes: 1100 });
    await expect(site.spoiled().get(ref, LIMIT)).rejects.toThrow(StoreUnavailable);
    site.proxy.plan = () => ({ kind: 'corrupt' });
    await expect(site.spoiled().get(ref, LIMIT)).rejects.toThrow(ChecksumMismatch);
  });

  it.each<[string, Fault]>([['silence', { kind: 'silence', bytes: 100_000 }], ['a trickle', { kind: 'drip', bytes: 1000, everyMs: 20 }]])('waits for no end of %s', async (_, fault) => {
    const ref = await site.put(2 * MIB);
    const store = site.spoiled({ ...HASTE, stallMs: STALL_MS });
    site.proxy.plan = times(1, fault, isGet);
    expect(sha256(await store.get(ref, LIMIT))).toBe(ref.sha256);
    site.proxy.plan = () => fault;
    const start = performance.now();
    await expect(store.get(ref, LIMIT)).rejects.toThrow(/no progress for 600 ms.*tried \d+ times/);
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it('is content with a slow server that makes progress', async () => {
    const ref = await site.put(2 * MIB);
    site.proxy.plan = () => ({ kind: 'drip', bytes: 200_000, everyMs: 250 });
    const start = performance.now();
    expect(sha256(await site.spoiled({ ...HASTE, stallMs: 2000 }).get(ref, LIMIT))).toBe(ref.sha256);
    expect(performance.now() - start).toBeGreaterThan(2000);
    expect(site.proxy.asked).toHaveLength(1);
  });

  it('stops at once when it is told to: while it waits, reads, or pauses between attempts', async () => {
    const ref = await site.put(2 * MIB);
    const patient: Partial<Patience> = { ...HASTE, stallMs: 60_000, backoffMs: 120_000, maxBackoffMs: 120_000, jitter: () => 1 };
    for (const fault of [{ kind: 'silence', bytes: 0 }, { kind: 'silence', bytes: 100_000 }, { kind: 'reset' }] as const) {
      site.proxy.plan = () => fault;
      const abort = new AbortController();
      const reading = site.spoiled(patient).get(ref, { ...LIMIT, signal: abort.signal }).catch((error: unknown) => error);
      await wait(150);
      const start = performance.now();
      abort.abort(new Error('told to stop'));
      expect(await reading).toEqual(new Error('told to stop'));
      expect(performance.now() - start).toBeLessThan(2000);
    }
  });

  it('waits for a server that is started again', async () => {
    const ref = await site.put(1000);
    await site.server.kill();
    const reading = storeAt(site.server.endpoint, { ...HASTE, attempts: 50, backoffMs: 100, maxBackoffMs: 100 }).get(ref, LIMIT);
    await wait(200);
    await site.server.restart();
    expect(await reading).toHaveLength(1000);
  });
});

describe('S3 store, refused', () => {
  beforeEach(() => site.empty());
  const WRONG = { accessKeyId: CREDENTIALS.accessKeyId, secretAccessKey: 'canary-wrong-secret', sessionToken: 'canary-token' };

  it('names the server and the access key, and never the secret', async () => {
    const ref = await site.put(1000);
    const store = storeAt(site.proxy.endpoint, HASTE, WRONG);
    const calls = [() => store.get(ref, LIMIT), () => store.head('miner-1', 'a'), () => store.putOnce('miner-1', 'b', new Uint8Array(6 * MIB)), () => store.createBucket('new-one'), () => store.list('miner-1', '')[Symbol.asyncIterator]().next()];
    for (const call of calls) {
      site.proxy.asked.length = 0;
      const error: unknown = await call().catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect((error as Error).message).toContain(`at ${site.proxy.endpoint} with the access key ${WRONG.accessKeyId}, got 403`);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/canary/);
      expect(site.proxy.asked.length).toBeLessThanOrEqual(2);
    }
  });

  it('survives a clock that the server finds wrong, which the client then corrects', async () => {
    const ref = await site.put(1000);
    site.proxy.plan = times(1, { kind: 'status', status: 403, code: 'RequestTimeTooSkewed' });
    expect(await site.spoiled().get(ref, LIMIT)).toHaveLength(1000);
  });

  it('names a bucket that is not there when it is to put into it', async () => {
    const store = site.direct();
    for (const bytes of [10, 6 * MIB]) await expect(store.putOnce('nobody', 'a', new Uint8Array(bytes))).rejects.toThrow(new StoreUnavailable(`Expected a bucket nobody at ${site.server.endpoint}, got none`));
    await expect(store.getByKey('nobody', 'a', LIMIT)).rejects.toThrow(ObjectMissing);
  });

  it('refuses a key below an object', async () => {
    await site.put(10);
    await expect(site.direct().putOnce('miner-1', 'a/b', new Uint8Array(1))).rejects.toThrow(InvalidInput);
  });
});
