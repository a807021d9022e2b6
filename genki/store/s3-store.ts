import { ChecksumMismatch, InvalidInput, ObjectMissing, StoreUnavailable, TooLarge } from '../errors.ts';
import { checkRange } from './byte-range.ts';
import { checkIsNamed, digestOf, DigestSink, isNamed, type Digest } from './digest.ts';
import { readSpan, withFile } from './file-chunks.ts';
import { checkBucket, checkObjectName, checkPrefix, isObjectKey } from './object-name.ts';
import type { GetOptions, ObjectRef, ObjectStore, StoreOptions } from './object-store.ts';
import { saveFile } from './partial-file.ts';
import { Passing } from './retry.ts';
import { download } from './s3-download.ts';
import { ifMissing, promptly, Refusal, S3Server, statusOf, type S3Options } from './s3-server.ts';
import { abortUploads, partOf, partSize, sumOf, uploadInParts, type Parts, type Source } from './s3-upload.ts';
import { MemorySink } from './sink.ts';
import { rethrow } from './system-errors.ts';
import { Turns } from './turns.ts';

export type S3StoreOptions = S3Options & {
  /** What is larger goes in parts of this size; 8 MiB unless told, and S3 takes no part below 5 MiB but the last. */
  readonly partBytes?: number;
};

const PART_BYTES = 8 * 2 ** 20;
/** Somebody else may end our upload because the key is taken; that it is not, and this again, is no accident. */
const MAX_UPLOADS = 3;

/**
 * Objects on an S3 server. A put asks the server to refuse a key that is taken (If-None-Match), and then reads back what lies
 * there: it has succeeded only when these are our bytes. Writers of one key in one process take turns; should a server let
 * two of different processes win, the bytes of the later one stay, and whoever reads by the other's reference is told.
 */
export function createS3Store({ partBytes: leastPart = PART_BYTES, ...options }: S3StoreOptions): ObjectStore {
  const server = new S3Server(options);
  const turns = new Turns();

  const head = async (bucket: string, key: string, { signal }: StoreOptions = {}): Promise<{ readonly bytes: number } | undefined> => {
    checkObjectName(bucket, key);
    return await server
      .ask({ what: `look for ${bucket}/${key}`, signal }, async (s3, http) => {
        const { ContentLength: bytes } = await promptly(s3.headObject({ Bucket: bucket, Key: key }, http), http);
        if (bytes === undefined) throw new Passing('an answer that does not say how long it is');
        return { bytes };
      })
      .catch(ifMissing(undefined));
  };

  const getByKey = async (bucket: string, key: string, options: GetOptions): Promise<Uint8Array> => {
    checkObjectName(bucket, key);
    const sink = new MemorySink();
    await download(server, { bucket, key }, sink, options);
    return sink.body();
  };

  const digestAt = async (ref: ObjectRef, { signal }: StoreOptions): Promise<Digest> => {
    const sink = new DigestSink();
    await download(server, ref, sink, { maxBytes: ref.bytes, signal }).catch((error: unknown) => {
      if (error instanceof TooLarge) throw new ChecksumMismatch(`Expected ${ref.bucket}/${ref.key} to hold ${ref.bytes} bytes, got more`, { cause: error });
      if (error instanceof ObjectMissing) throw new StoreUnavailable(`Expected ${ref.bucket}/${ref.key} to be there once it is put, got nothing`, { cause: error });
      throw error;
    });
    return sink.digest();
  };

  /** @throws {ChecksumMismatch} when other bytes lie there */
  const readBack = async (ref: ObjectRef, options: StoreOptions): Promise<void> => {
    // the way here may be at fault, once
    if (!isNamed(ref, await digestAt(ref, options))) checkIsNamed(ref, await digestAt(ref, options));
  };

  const putWhole = async (ref: ObjectRef, body: Uint8Array, { signal }: StoreOptions): Promise<void> => {
    const at = { Bucket: ref.bucket, Key: ref.key };
    await server.ask({ what: `put ${ref.bucket}/${ref.key}`, signal, uploadBytes: body.byteLength }, async (s3, http, { isFirst }) => {
      // an attempt may have succeeded, or have been refused, without its answer being heard
      const isThere = !isFirst && (await promptly(s3.headObject(at, http), http).then(() => true, unless(404, false)));
      if (isThere) return;
      const request = { ...at, Body: body, ContentLength: body.byteLength, ChecksumSHA256: sumOf(body), IfNoneMatch: '*' };
      await promptly(s3.putObject(request, http), http).catch(unless(412, undefined));
    });
  };

  const putParts = async (ref: ObjectRef, source: Source, { partBytes, sums, signal }: Parts & StoreOptions): Promise<void> => {
    for (let uploads = 0; uploads < MAX_UPLOADS; uploads++) {
      const isThere = (await head(ref.bucket, ref.key, { signal })) !== undefined;
      if (isThere || (await uploadInParts(server, ref, source, { partBytes, sums, signal }))) return await abortUploads(server, ref, signal);
    }
  };

  const put = async (bucket: string, key: string, source: Source, { signal }: StoreOptions = {}): Promise<ObjectRef> => {
    const { digest, ...parts } = await measure(source, { partBytes: leastPart, signal });
    const ref = { bucket, key, ...digest };
    const work = async (): Promise<void> => {
      if (parts.sums.length > 1) await putParts(ref, source, { ...parts, signal });
      else await putWhole(ref, await partOf(source, 1, parts), { signal });
      await readBack(ref, { signal });
    };
    await turns.take(`${bucket}/${key}`, signal, work).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 404) throw new StoreUnavailable(`Expected a bucket ${bucket} at ${server.origin}, got none`, { cause: error });
      throw error.status === 409 ? new InvalidInput(error.message, { cause: error }) : new StoreUnavailable(error.message, { cause: error });
    });
    return ref;
  };

  return {
    head,
    getByKey,

    async get(ref, options) {
      const body = await getByKey(ref.bucket, ref.key, options);
      if (isNamed(ref, digestOf(body))) return body;
      // the way here may be at fault, once
      const again = await getByKey(ref.bucket, ref.key, options);
      checkIsNamed(ref, digestOf(again));
      return again;
    },

    async getFile(ref, path, options) {
      checkObjectName(ref.bucket, ref.key);
      await saveFile(ref, path, (sink) => download(server, ref, sink, options));
    },

    async getRange(bucket, key, range, options) {
      checkObjectName(bucket, key);
      checkRange(range, options);
      const sink = new MemorySink();
      // a range of no bytes cannot be asked for
      if (range.start === range.end) await download(server, { bucket, key, range: { start: range.start, end: range.end + 1 } }, new DigestSink(), { ...options, maxBytes: 1 });
      else await download(server, { bucket, key, range }, sink, options);
      return sink.body();
    },

    async putOnce(bucket, key, body, options) {
      checkObjectName(bucket, key);
      return await put(bucket, key, { bytes: body.byteLength, read: async (start, end) => body.subarray(start, end) }, options);
    },

    async putFile(bucket, key, path, options) {
      checkObjectName(bucket, key);
      return await withFile(path, (file, bytes) => put(bucket, key, { bytes, read: (start, end) => readSpan(file, start, end).catch(rethrow) }, options));
    },

    async *list(bucket, prefix, { signal } = {}) {
      checkPrefix(bucket, prefix);
      for (let after = ''; ; ) {
        const request = { Bucket: bucket, Prefix: prefix, ...(after !== '' && { StartAfter: after }) };
        const page = await server.ask({ what: `list ${bucket}/${prefix}`, signal }, (s3, http) => promptly(s3.listObjectsV2(request, http), http)).catch(ifMissing(undefined));
        const keys = (page?.Contents ?? []).flatMap(({ Key }) => Key ?? []);
        for (const key of keys) {
          if (!isAfter(key, after)) throw new StoreUnavailable(`Expected the keys of ${bucket} at ${server.origin} in their order, got another`);
          after = key;
          if (isObjectKey(key) && key.startsWith(prefix)) yield key;
        }
        if (page?.IsTruncated !== true) return;
        if (keys.length === 0) throw new StoreUnavailable(`Expected more keys of ${bucket} at ${server.origin}, got none`);
      }
    },

    async delete(bucket, key, { signal } = {}) {
      checkObjectName(bucket, key);
      await server.ask({ what: `delete ${bucket}/${key}`, signal }, async (s3, http) => void (await promptly(s3.deleteObject({ Bucket: bucket, Key: key }, http), http))).catch(ifMissing(undefined));
    },

    async createBucket(bucket, { signal } = {}) {
      checkBucket(bucket);
      const isThere = await server.ask({ what: `look for the bucket ${bucket}`, signal }, (s3, http) => promptly(s3.headBucket({ Bucket: bucket }, http), http)).catch(ifMissing(undefined));
      if (isThere) return;
      await server.ask({ what: `make the bucket ${bucket}`, signal }, async (s3, http) => void (await promptly(s3.createBucket({ Bucket: bucket }, http), http))).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        if (error.code !== 'BucketAlreadyOwnedByYou') throw new StoreUnavailable(error.message, { cause: error });
      });
    },
  };
}

/** The digest of a source and of its parts. @throws {InvalidInput} when it ends before it should */
async function measure(source: Source, { partBytes: least, signal }: { partBytes: number } & StoreOptions): Promise<Parts & { readonly digest: Digest }> {
  const partBytes = partSize(source.bytes, least);
  const sum = new DigestSink();
  const sums: string[] = [];
  do {
    signal?.throwIfAborted();
    const part = await source.read(sum.bytes, Math.min(sum.bytes + partBytes, source.bytes));
    if (part.byteLength === 0 && source.bytes > 0) throw new InvalidInput('Expected a file that stays as it is while it is put, got one that shrinks');
    sum.write(part);
    sums.push(sumOf(part));
  } while (sum.bytes < source.bytes);
  return { partBytes, sums, digest: sum.digest() };
}

/** A value for an answer with this status. */
const unless =
  <T>(status: number, value: T) =>
  (error: unknown): T => {
    if (statusOf(error) !== status) throw error;
    return value;
  };

/** As S3 orders keys: by their bytes. */
const isAfter = (key: string, before: string): boolean => Buffer.compare(Buffer.from(key), Buffer.from(before)) > 0;
