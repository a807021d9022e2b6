import { createHash, randomUUID } from 'node:crypto';
import { constants, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ChecksumMismatch, InvalidInput, ObjectMissing, StoreUnavailable, TooLarge } from '../errors.ts';
import { boundedRead } from './bounded-read.ts';
import { checkObjectName, checkPrefix, isKeySegment } from './object-name.ts';
import type { GetOptions, ObjectRef, ObjectStore } from './object-store.ts';
import { syncFolder } from './sync-folder.ts';

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
  sweep(join(home, INCOMING));

  const getByKey = async (bucket: string, key: string, options: GetOptions): Promise<Uint8Array> => {
    checkObjectName(bucket, key);
    const body = await ifThere(async () => readObject(home, bucket, key, options));
    if (!body) throw new ObjectMissing(`Expected an object ${bucket}/${key}, got none`);
    return body;
  };

  return {
    getByKey,

    async get(ref, options) {
      const body = await getByKey(ref.bucket, ref.key, options);
      checkIsNamed(ref, body);
      return body;
    },

    async putOnce(bucket, key, body) {
      checkObjectName(bucket, key);
      const ref = { bucket, key, sha256: sha256(body), bytes: body.byteLength };
      await writeObject(home, ref, body).catch(rethrow);
      return ref;
    },

    async head(bucket, key) {
      checkObjectName(bucket, key);
      return ifThere(async () => {
        if (!(await isInside(home, bucket, key))) return undefined;
        const stat = await lstat(join(home, bucket, key));
        return stat.isFile() ? { bytes: stat.size } : undefined;
      });
    },

    async *list(bucket, prefix) {
      checkPrefix(bucket, prefix);
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      if (await ifThere(async () => isInside(home, bucket, `${folder}x`))) yield* walk(join(home, bucket), folder, prefix);
    },

    async delete(bucket, key) {
      checkObjectName(bucket, key);
      await ifThere(async () => {
        const path = join(home, bucket, key);
        if ((await isInside(home, bucket, key)) && (await lstat(path)).isFile()) await unlink(path);
      });
    },
  };
}

/** Removes what writers that are no more have left. A living writer whose file is swept by mistake writes it again. */
function sweep(incoming: string): void {
  for (const name of readdirSync(incoming)) if (!isAlive(Number.parseInt(name, 10))) rmSync(join(incoming, name), { force: true, recursive: true });
}

function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM'; // alive, and another user's
  }
}

async function writeObject(home: string, ref: ObjectRef, body: Uint8Array): Promise<void> {
  const path = join(home, ref.bucket, ref.key);
  const folder = dirname(path);
  const created = await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'ENOTDIR') throw error;
    throw new InvalidInput(`Expected ${ref.bucket}/${ref.key} to lie in folders, got an object's name as a folder`, { cause: error });
  });
  if ((await realpath(folder)) !== folder) throw new InvalidInput(`Expected ${ref.bucket}/${ref.key} to lie in the store, got a link that leads out`);

  const alreadyThere = (await exists(path)) || !(await publish(join(home, INCOMING), path, body));
  if (alreadyThere) await checkSame(home, ref);
  for (let at = folder; ; at = dirname(at)) {
    await syncFolder(at);
    if (created === undefined || at === dirname(created)) return;
  }
}

/** Whether the body now lies at the path; false when something else does. */
async function publish(incoming: string, path: string, body: Uint8Array): Promise<boolean> {
  for (;;) {
    const draft = join(incoming, `${process.pid}-${randomUUID()}`);
    try {
      const file = await open(draft, 'wx');
      try {
        await file.writeFile(body);
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
  const body = await readObject(home, ref.bucket, ref.key, { maxBytes: ref.bytes }).catch((error: unknown) => {
    if (error instanceof TooLarge) throw new ChecksumMismatch(`Expected ${ref.bucket}/${ref.key} to hold ${ref.bytes} bytes, got more`, { cause: error });
    if (NO_OBJECT.has(codeOf(error))) return undefined;
    throw error;
  });
  if (!body) throw new ChecksumMismatch(`Expected ${ref.bucket}/${ref.key} to hold an object, got something else`);
  checkIsNamed(ref, body);
}

/** undefined when there is no object */
async function readObject(home: string, bucket: string, key: string, options: GetOptions): Promise<Uint8Array | undefined> {
  if (!(await isInside(home, bucket, key))) return undefined;
  const file = await open(join(home, bucket, key), READ_ONLY);
  try {
    return (await file.stat()).isFile() ? await boundedRead(file, `${bucket}/${key}`, options) : undefined;
  } finally {
    await file.close();
  }
}

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

/** Our own errors pass; what the file system cannot do now it may do later. */
function rethrow(error: unknown): never {
  if (codeOf(error) === '') throw error;
  throw new StoreUnavailable(`The folder store cannot do this now: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

/** The system's name for an error, or nothing. */
function codeOf(error: unknown): string {
  const isSystem = error instanceof Error && 'errno' in error && 'code' in error;
  return isSystem ? String(error.code) : '';
}

function checkIsNamed({ bucket, key, sha256: expected, bytes }: ObjectRef, body: Uint8Array): void {
  const got = sha256(body);
  if (got !== expected) throw new ChecksumMismatch(`Expected ${bucket}/${key} to have sha256 ${expected}, got ${got}`);
  if (body.byteLength !== bytes) throw new ChecksumMismatch(`Expected ${bucket}/${key} to have ${bytes} bytes, got ${body.byteLength}`);
}

const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
