import { constants, mkdirSync, realpathSync } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rm, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChecksumMismatch, InvalidInput, ObjectMissing, TooLarge } from '../errors.ts';
import { boundedRead } from './bounded-read.ts';
import { checkRange } from './byte-range.ts';
import { checkIsNamed, digestOf, digestOfFile, DigestSink } from './digest.ts';
import { draftName, sweepDrafts } from './drafts.ts';
import { chunksOf, readSpan, withFile } from './file-chunks.ts';
import { checkBucket, checkObjectName, checkPrefix, isKeySegment } from './object-name.ts';
import type { GetOptions, ObjectRef, ObjectStore, StoreOptions } from './object-store.ts';
import { saveFile } from './partial-file.ts';
import { syncFolder } from './sync-folder.ts';
import { codeOf, rethrow } from './system-errors.ts';

/** Not a bucket's name. Objects are written here, on the same file system, and linked under their key when they are whole. */
const INCOMING = '.incoming';
// not to wait for a named pipe's writer
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const NO_OBJECT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR']);

/**
 * Objects as files `<root>/<bucket>/<key>`, for any number of processes on one machine. An object appears whole or not at
 * all, whenever the writer dies; once `putOnce` has answered it is on the disk. Links inside the root are no objects.
 */
export function createFolderStore(root: string): ObjectStore {
  mkdirSync(join(root, INCOMING), { recursive: true });
  const home = realpathSync(root);
  sweepDrafts(join(home, INCOMING));

  const getByKey = async (bucket: string, key: string, options: GetOptions): Promise<Uint8Array> =>
    await withObject({ home, bucket, key }, (file) => boundedRead(file, `${bucket}/${key}`, options));

  return {
    getByKey,

    async get(ref, options) {
      const body = await getByKey(ref.bucket, ref.key, options);
      checkIsNamed(ref, digestOf(body));
      return body;
    },

    async getFile(ref, path, { maxBytes, signal }) {
      await withObject({ home, ...ref }, async (file) => {
        const { size } = await file.stat();
        if (size > maxBytes) throw tooLarge(ref, maxBytes, size);
        await saveFile(ref, path, async (sink) => {
          for await (const chunk of chunksOf(file, sink.bytes, { signal })) {
            if (sink.bytes + chunk.byteLength > maxBytes) throw tooLarge(ref, maxBytes, 'more');
            await sink.write(chunk);
          }
        });
      });
    },

    async getRange(bucket, key, range, options) {
      checkRange(range, options);
      return await withObject({ home, bucket, key }, async (file) => {
        options.signal?.throwIfAborted();
        const { size } = await file.stat();
        const end = Math.min(range.end, size);
        return range.start < end ? await readSpan(file, range.start, end) : new Uint8Array(0);
      });
    },

    async putOnce(bucket, key, body, { signal } = {}) {
      checkObjectName(bucket, key);
      signal?.throwIfAborted();
      const ref = { bucket, key, ...digestOf(body) };
      await writeObject(home, ref, (draft) => draft.writeFile(body)).catch(rethrow);
      return ref;
    },

    async putFile(bucket, key, path, { signal } = {}) {
      checkObjectName(bucket, key);
      return await withFile(path, async (source) => {
        const ref = { bucket, key, ...(await digestOfFile(source, { signal })) };
        await writeObject(home, ref, (draft) => copy(source, draft, { ref, signal }));
        return ref;
      }).catch(rethrow);
    },

    async head(bucket, key, { signal } = {}) {
      checkObjectName(bucket, key);
      signal?.throwIfAborted();
      return ifThere(async () => {
        if (!(await isInside(home, bucket, key))) return undefined;
        const stat = await lstat(join(home, bucket, key));
        return stat.isFile() ? { bytes: stat.size } : undefined;
      });
    },

    async *list(bucket, prefix, { signal } = {}) {
      checkPrefix(bucket, prefix);
      signal?.throwIfAborted();
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      if (await ifThere(async () => isInside(home, bucket, `${folder}x`))) yield* walk(join(home, bucket), folder, prefix);
    },

    async delete(bucket, key, { signal } = {}) {
      checkObjectName(bucket, key);
      signal?.throwIfAborted();
      await ifThere(async () => {
        const path = join(home, bucket, key);
        if ((await isInside(home, bucket, key)) && (await lstat(path)).isFile()) await unlink(path);
      });
    },

    async createBucket(bucket, { signal } = {}) {
      checkBucket(bucket);
      signal?.throwIfAborted();
      await mkdir(join(home, bucket), { recursive: true }).catch(rethrow);
      await syncFolder(home).catch(rethrow);
    },
  };
}

/** Writes the whole of a body into a draft. */
type Write = (draft: FileHandle) => Promise<void>;

/** @throws {InvalidInput} when it is not what its digest was taken of any more */
async function copy(source: FileHandle, draft: FileHandle, { ref, signal }: { ref: ObjectRef } & StoreOptions): Promise<void> {
  const sum = new DigestSink();
  for await (const chunk of chunksOf(source, 0, { signal })) {
    sum.write(chunk);
    await draft.writeFile(chunk);
  }
  if (sum.digest().sha256 !== ref.sha256) throw new InvalidInput('Expected a file that stays as it is while it is put, got one that changes');
}

async function writeObject(home: string, ref: ObjectRef, write: Write): Promise<void> {
  const path = join(home, ref.bucket, ref.key);
  const folder = dirname(path);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'ENOTDIR') throw error;
    throw new InvalidInput(`Expected ${ref.bucket}/${ref.key} to lie in folders, got an object's name as a folder`, { cause: error });
  });
  if ((await realpath(folder)) !== folder) throw new InvalidInput(`Expected ${ref.bucket}/${ref.key} to lie in the store, got a link that leads out`);

  const alreadyThere = (await exists(path)) || !(await publish(join(home, INCOMING), path, write));
  if (alreadyThere) await checkSame(home, ref);
  // also of folders that somebody else has made just now, or did not live to sync
  for (let at = folder; ; at = dirname(at)) {
    await syncFolder(at);
    if (at === home) return;
  }
}

/** Whether what is written now lies at the path; false when something else does. */
async function publish(incoming: string, path: string, write: Write): Promise<boolean> {
  for (;;) {
    const draft = join(incoming, draftName());
    try {
      const file = await open(draft, 'wx');
      try {
        await write(file);
        await file.sync();
      } finally {
        await file.close();
      }
      await link(draft, path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      const isSwept = codeOf(error) === 'ENOENT' && (await exists(incoming)) && (await exists(dirname(path))) && !(await exists(draft));
      if (!isSwept) throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }
}

async function checkSame(home: string, ref: ObjectRef): Promise<void> {
  const there = await withObject({ home, ...ref }, async (file) => {
    if ((await file.stat()).size > ref.bytes) throw new ChecksumMismatch(`Expected ${ref.bucket}/${ref.key} to hold ${ref.bytes} bytes, got more`);
    return await digestOfFile(file);
  }).catch((error: unknown) => {
    if (!(error instanceof ObjectMissing)) throw error;
    throw new ChecksumMismatch(`Expected ${ref.bucket}/${ref.key} to hold an object, got something else`);
  });
  checkIsNamed(ref, there);
}

type Place = { readonly home: string; readonly bucket: string; readonly key: string };

/** Opens an object for as long as `use` takes. @throws {ObjectMissing} when there is none */
async function withObject<T>({ home, bucket, key }: Place, use: (file: FileHandle) => Promise<T>): Promise<T> {
  checkObjectName(bucket, key);
  const file = await ifThere(async () => ((await isInside(home, bucket, key)) ? await open(join(home, bucket, key), READ_ONLY) : undefined));
  try {
    if (!file || !(await file.stat()).isFile()) throw new ObjectMissing(`Expected an object ${bucket}/${key}, got none`);
    return await use(file).catch(rethrow);
  } finally {
    await file?.close();
  }
}

const tooLarge = ({ bucket, key }: ObjectRef, maxBytes: number, got: number | 'more'): TooLarge => new TooLarge(`Expected ${bucket}/${key} to have at most ${maxBytes} bytes, got ${got}`);

/** Keys in the order of their characters, in which a folder counts as its name with a `/`. */
async function* walk(bucket: string, folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await readdir(join(bucket, folder), { withFileTypes: true }).catch((error: unknown) => {
    return NO_OBJECT.has(codeOf(error)) ? [] : rethrow(error);
  });
  const names = entries.flatMap((entry) => (!isKeySegment(entry.name) ? [] : entry.isFile() ? [entry.name] : entry.isDirectory() ? [`${entry.name}/`] : []));
  for (const name of names.sort()) {
    const key = folder + name;
    const mayHold = key.startsWith(prefix) || prefix.startsWith(key);
    if (name.endsWith('/')) {
      if (mayHold) yield* walk(bucket, key, prefix);
    } else if (key.startsWith(prefix)) {
      yield key;
    }
  }
}

/** Whether no link on the way leads elsewhere. @throws ENOENT when there is no such folder */
async function isInside(home: string, bucket: string, key: string): Promise<boolean> {
  const folder = dirname(join(home, bucket, key));
  return (await realpath(folder)) === folder;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Where there is no object, undefined. */
async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  return read().catch((error: unknown) => (NO_OBJECT.has(codeOf(error)) ? undefined : rethrow(error)));
}
