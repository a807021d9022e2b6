import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChecksumMismatch, InvalidInput, StoreUnavailable } from '../../genki/errors.ts';
import { sha256Hex as sha256 } from '../../genki/protocol/digests.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import { seededBytes } from '../genki/store/conformance.ts';
import { times, type Asked } from './support/fault-proxy.ts';
import type { Errand } from './support/s3-child.ts';
import { HASTE, isGet, isPart, PART_BYTES, S3Site } from './support/s3-site.ts';

const MIB = 2 ** 20;
const LIMIT = { maxBytes: 16 * MIB };
const STALL_MS = 600;
const CHILD = fileURLToPath(new URL('./support/s3-child.ts', import.meta.url));
/** Streaming a file of any size takes no more. */
const MAX_GROWTH_BYTES = 128 * MIB;

let site: S3Site;
beforeAll(async () => { site = await S3Site.start(); });
afterAll(() => site?.stop());

describe('S3 store, writing', () => {
  beforeEach(() => site.empty());

  it('has succeeded when the answer was lost', async () => {
    for (const [bytes, isLost] of [[1000, ({ method }: Asked) => method === 'PUT'], [11 * MIB, isPart], [11 * MIB + 1, ({ method, url }: Asked) => method === 'POST' && url.searchParams.has('uploadId')]] as const) {
      site.proxy.plan = times(2, { kind: 'lose answer' }, isLost);
      const body = seededBytes(bytes, 'lost');
      const ref = await site.spoiled().putOnce('miner-1', `lost/${bytes}`, body);
      expect(sha256(await site.direct().get(ref, LIMIT))).toBe(sha256(body));
      expect(await site.uploadsLeft()).toBe(0);
    }
  });

  it('is never content with what other writers have left there, though the server lets them all win', async () => {
    const bodies = Array.from({ length: 10 }, (_, i) => seededBytes(500_000 + i, `writer ${i}`));
    const outcomes = await Promise.allSettled(bodies.map((body) => site.direct().putOnce('race', 'one', body)));
    const there = sha256(await site.direct().getByKey('race', 'one', LIMIT));
    expect(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.sha256] : []))).toContain(there);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ChecksumMismatch);
    for (const body of bodies) if (sha256(body) !== there) await expect(site.direct().putOnce('race', 'one', body)).rejects.toThrow(ChecksumMismatch);
  });

  it('reads back what it has put, and what was there', async () => {
    site.proxy.plan = (asked) => (isGet(asked) ? { kind: 'corrupt' } : undefined);
    await expect(site.spoiled().putOnce('miner-1', 'a', seededBytes(1000, 'a'))).rejects.toThrow(ChecksumMismatch);
    site.proxy.reset();
    const ref = await site.put(2000, 'b');
    await truncate(join(site.server.folder, 'miner-1', 'b'), 1000);
    await expect(site.direct().putOnce('miner-1', 'b', seededBytes(2000, 'b'))).rejects.toThrow(ChecksumMismatch);
    await expect(site.direct().get(ref, LIMIT)).rejects.toThrow(ChecksumMismatch);
    site.proxy.plan = times(1, { kind: 'corrupt' }, isGet);
    await site.spoiled().putOnce('miner-1', 'c', seededBytes(1000, 'c'));
  });

  it('sends no part again that a killed writer has sent, and leaves no upload behind', async () => {
    const body = seededBytes(6 * PART_BYTES + 1, 'killed');
    const path = join(site.folder, 'to-put');
    await writeFile(path, body);
    const errand: Errand = { endpoint: site.proxy.endpoint, path, partBytes: PART_BYTES, put: { bucket: 'miner-1', key: 'large' } };
    const writer = spawn(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify(errand)], { stdio: 'ignore' });
    site.proxy.plan = () => {
      if (site.partsAsked() === 4) writer.kill('SIGKILL');
      return undefined;
    };
    await once(writer, 'exit');
    expect(await site.direct().head('miner-1', 'large')).toBeUndefined();
    expect(await site.uploadsLeft()).toBe(1);
    const sent = ((await site.raw.listParts({ Bucket: 'miner-1', Key: 'large', UploadId: (await site.raw.listMultipartUploads({ Bucket: 'miner-1' })).Uploads![0]!.UploadId })).Parts ?? []).length;
    expect(sent).toBeGreaterThanOrEqual(3);

    site.proxy.reset();
    const ref = await site.spoiled().putFile('miner-1', 'large', path);
    expect(site.partsAsked()).toBe(7 - sent);
    expect(ref.sha256).toBe(sha256(body));
    expect(sha256(await site.direct().get(ref, { maxBytes: body.length }))).toBe(ref.sha256);
    expect(await site.uploadsLeft()).toBe(0);
  });

  it('builds on no upload of other bytes, and ends it', async () => {
    const other = seededBytes(PART_BYTES, 'other');
    const { UploadId } = await site.raw.createMultipartUpload({ Bucket: 'miner-1', Key: 'large', ChecksumAlgorithm: 'SHA256' });
    await site.raw.uploadPart({ Bucket: 'miner-1', Key: 'large', UploadId, PartNumber: 1, Body: other, ChecksumSHA256: createHash('sha256').update(other).digest('base64') });
    const body = seededBytes(PART_BYTES + 1, 'ours');
    const ref = await site.direct().putOnce('miner-1', 'large', body);
    expect(sha256(await site.direct().get(ref, LIMIT))).toBe(sha256(body));
    expect(await site.uploadsLeft()).toBe(0);
  });

  it('ends the uploads of other keys that were begun a week ago, and no younger ones', async () => {
    const begin = async (Key: string): Promise<string> => (await site.raw.createMultipartUpload({ Bucket: 'miner-1', Key })).UploadId!;
    const [old, young] = [await begin('old'), await begin('young')];
    const ages = new Map([[old, 8], [young, 6]]);
    for (const path of await readdir(site.server.folder, { recursive: true })) {
      const days = ages.get(path.split('/').at(-1)!);
      const then = Date.now() / 1000 - (days ?? 0) * 24 * 3600;
      if (days !== undefined) await utimes(join(site.server.folder, path), then, then);
    }
    await site.direct().putOnce('miner-1', 'large', new Uint8Array(PART_BYTES + 1));
    expect((await site.raw.listMultipartUploads({ Bucket: 'miner-1' })).Uploads!.map(({ Key }) => Key)).toEqual(['young']);
  });

  it('begins anew when somebody ends its upload', async () => {
    const body = seededBytes(2 * PART_BYTES + 1, 'ended');
    let ended = 0;
    site.proxy.plan = ({ method, url }) => {
      const isSecondPart = method === 'PUT' && url.searchParams.get('partNumber') === '2';
      if (!isSecondPart || ended++ > 0) return undefined;
      void site.raw.abortMultipartUpload({ Bucket: 'miner-1', Key: 'large', UploadId: url.searchParams.get('uploadId')! });
      return { kind: 'silence', bytes: 0 };
    };
    const ref = await site.spoiled({ ...HASTE, stallMs: 2000 }).putOnce('miner-1', 'large', body);
    expect(sha256(await site.direct().get(ref, LIMIT))).toBe(sha256(body));
    expect(ended).toBeGreaterThan(1);
  });

  it('refuses a file that changes on the way', async () => {
    const path = join(site.folder, 'changing');
    const after = seededBytes(2 * PART_BYTES, 'after');
    await writeFile(path, seededBytes(2 * PART_BYTES, 'before'));
    site.proxy.plan = ({ method, url }) => {
      if (method === 'POST' && url.searchParams.has('uploads')) writeFileSync(path, after);
      return undefined;
    };
    await expect(site.spoiled().putFile('miner-1', 'large', path)).rejects.toThrow(new InvalidInput('Expected a file that stays as it is while it is put, got one that changes'));
    expect(site.partsAsked()).toBe(0);
    site.proxy.reset();
    expect(await site.spoiled().putFile('miner-1', 'large', path)).toMatchObject({ sha256: sha256(after) });
    expect(await site.uploadsLeft()).toBe(0);
  });

  it('stops at once when it is told to', async () => {
    const abort = new AbortController();
    site.proxy.plan = (asked) => (isPart(asked) ? { kind: 'silence', bytes: 0 } : undefined);
    const writing = site.spoiled({ ...HASTE, stallMs: 60_000 }).putOnce('miner-1', 'large', new Uint8Array(2 * PART_BYTES), { signal: abort.signal }).catch((error: unknown) => error);
    while (site.partsAsked() === 0) await wait(5);
    const start = performance.now();
    abort.abort(new Error('told to stop'));
    expect(await writing).toEqual(new Error('told to stop'));
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('S3 store, files', () => {
  beforeEach(() => site.empty());

  it('goes on after the bytes that a killed reader has left', async () => {
    const ref = await site.put(8 * MIB);
    const home = await mkdtemp(join(site.folder, 'killed-'));
    const path = join(home, 'copy');
    const errand: Errand = { endpoint: site.proxy.endpoint, path, get: ref };
    site.proxy.plan = (asked) => (isGet(asked) ? { kind: 'drip', bytes: 500_000, everyMs: 30 } : undefined);
    const reader = spawn(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify(errand)], { stdio: 'ignore' });
    const gone = once(reader, 'exit');
    const left = async (): Promise<number> => {
      const [name] = await readdir(home);
      return name === undefined ? 0 : (await readFile(join(home, name))).length;
    };
    while ((await left()) < 2 * MIB) await wait(10);
    reader.kill('SIGKILL');
    await gone;
    const bytes = await left();
    expect(bytes).toBeLessThan(8 * MIB);
    expect(await readdir(home)).not.toContain('copy');

    site.proxy.reset();
    await site.spoiled().getFile(ref, path, LIMIT);
    expect(site.proxy.asked.map(({ headers }) => headers.range)).toEqual([`bytes=${bytes}-`]);
    expect(sha256(await readFile(path))).toBe(ref.sha256);
    expect(await readdir(home)).toEqual(['copy']);
  });

  it('begins anew when what was left is not the beginning', async () => {
    const ref = await site.put(2 * MIB);
    const home = await mkdtemp(join(site.folder, 'foreign-'));
    const path = join(home, 'copy');
    site.proxy.plan = () => ({ kind: 'silence', bytes: MIB });
    await expect(site.spoiled({ ...HASTE, attempts: 1, stallMs: STALL_MS }).getFile(ref, path, LIMIT)).rejects.toThrow(StoreUnavailable);
    const [name] = await readdir(home);
    await writeFile(join(home, name!), seededBytes(MIB, 'foreign'));
    site.proxy.reset();
    await site.spoiled().getFile(ref, path, LIMIT);
    expect(sha256(await readFile(path))).toBe(ref.sha256);
    expect(await readdir(home)).toEqual(['copy']);
  });

  it(`holds no more than ${MAX_GROWTH_BYTES / MIB} MiB of 300 MiB`, async () => {
    const path = join(site.folder, 'large');
    const body = seededBytes(300 * MIB, 'large');
    await writeFile(path, body);
    const ref: ObjectRef = { bucket: 'miner-1', key: 'large', sha256: sha256(body), bytes: body.length };
    const growthOf = async (errand: object): Promise<number> => Number((await promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify({ endpoint: site.server.endpoint, ...errand })])).stdout);
    expect(await growthOf({ path, put: ref })).toBeLessThan(MAX_GROWTH_BYTES);
    await rm(path);
    expect(await growthOf({ path, get: ref })).toBeLessThan(MAX_GROWTH_BYTES);
    expect(sha256(await readFile(path))).toBe(ref.sha256);
    await rm(path);
  });
});
