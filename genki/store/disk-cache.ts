import { constants, mkdirSync } from 'node:fs';
import { lstat, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { faultOf } from '../errors.ts';
import { boundedRead } from './bounded-read.ts';
import { checkIsNamed, digestOf } from './digest.ts';
import { draftName, sweepDrafts } from './drafts.ts';
import { chunksOf } from './file-chunks.ts';
import type { ObjectRef, StoreOptions } from './object-store.ts';
import { saveFile } from './partial-file.ts';
import { Turns } from './turns.ts';

/** Not a digest. Entries are written here and renamed when they are whole. */
const INCOMING = '.incoming';
/** What a file takes on a disk. */
const BLOCK_BYTES = 4096;
/** Part of the limit that is made free at once, so that the entries are looked through rarely. */
const SLACK = 1 / 16;

/**
 * Files by their sha256, those not used for the longest time going first when there are too many bytes. Any number of
 * processes may share the folder; each of them may be ahead of what the others know by a sixteenth of the limit.
 *
 * Nothing here is ever believed: a read checks the digest, and throws away an entry that is not what its name says. What the
 * disk refuses (full, read-only, gone) is as if there were no cache: no method throws for it.
 */
export class DiskCache {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** What may be written before the entries are looked through again. */
  #free = 0;
  readonly #turns = new Turns();

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    try {
      mkdirSync(join(folder, INCOMING), { recursive: true });
      sweepDrafts(join(folder, INCOMING));
    } catch {
      // then nothing will be found or kept
    }
  }

  async has(ref: ObjectRef): Promise<boolean> {
    const path = this.#pathOf(ref);
    return path !== undefined && (await aside(async () => (await lstat(path)).isFile(), false));
  }

  /** undefined when there is no whole entry */
  async read(ref: ObjectRef): Promise<Uint8Array | undefined> {
    return await this.#withEntry(ref, async (entry) => {
      const body = await boundedRead(entry, ref.sha256, { maxBytes: ref.bytes });
      checkIsNamed(ref, digestOf(body));
      return body;
    });
  }

  /** Whether the entry lies at the path now. */
  async save(ref: ObjectRef, path: string, { signal }: StoreOptions): Promise<boolean> {
    const isSaved = await this.#withEntry(ref, async (entry) => {
      await saveFile(ref, path, async (sink) => {
        for await (const chunk of chunksOf(entry, sink.bytes, { signal })) await sink.write(chunk);
      });
      return true;
    });
    signal?.throwIfAborted();
    return isSaved === true;
  }

  /** Keeps what `write` writes. */
  async keep(ref: ObjectRef, write: (entry: FileHandle) => Promise<void>): Promise<void> {
    const path = this.#pathOf(ref);
    if (path === undefined || onDisk(ref.bytes) > this.#maxBytes) return;
    const draft = join(this.#folder, INCOMING, draftName());
    const work = async (): Promise<void> => {
      await this.#makeRoom(onDisk(ref.bytes));
      const entry = await open(draft, 'wx', 0o600);
      try {
        await write(entry);
      } finally {
        await entry.close();
      }
      await rename(draft, path);
    };
    await aside(() => this.#turns.take(INCOMING, undefined, work), undefined);
    await aside(() => rm(draft, { force: true }), undefined);
  }

  /** Keeps a copy of a file. */
  async keepFile(ref: ObjectRef, path: string): Promise<void> {
    await this.keep(ref, async (entry) => {
      const file = await open(path, 'r');
      try {
        for await (const chunk of chunksOf(file, 0, {})) await entry.writeFile(chunk);
      } finally {
        await file.close();
      }
    });
  }

  /** A reference comes from outside: what is no digest names no file. */
  #pathOf({ sha256 }: ObjectRef): string | undefined {
    return /^[0-9a-f]{64}$/.test(sha256) ? join(this.#folder, sha256) : undefined;
  }

  async #withEntry<T>(ref: ObjectRef, use: (entry: FileHandle) => Promise<T>): Promise<T | undefined> {
    const path = this.#pathOf(ref);
    if (path === undefined) return undefined;
    return await aside(async () => {
      const entry = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        // the mode it has: this stamps when the entry was last used, by the clock of the disk
        await aside(() => entry.chmod(0o600), undefined);
        return await use(entry);
      } catch (error) {
        if (faultOf(error)) await rm(path, { force: true });
        return undefined;
      } finally {
        await entry.close();
      }
    }, undefined);
  }

  async #makeRoom(bytes: number): Promise<void> {
    if (bytes > this.#free) {
      const entries = await this.#entries();
      let total = entries.reduce((sum, entry) => sum + entry.bytes, bytes);
      const wanted = total > this.#maxBytes ? Math.max(bytes, this.#maxBytes * (1 - SLACK)) : total;
      for (const entry of entries.sort((a, b) => a.usedAt - b.usedAt)) {
        if (total <= wanted) break;
        await rm(entry.path, { force: true });
        total -= entry.bytes;
      }
      this.#free = Math.min(this.#maxBytes * SLACK, this.#maxBytes - total) + bytes;
    }
    this.#free -= bytes;
  }

  async #entries(): Promise<{ readonly path: string; readonly bytes: number; readonly usedAt: number }[]> {
    const entries = [];
    for (const folder of [this.#folder, join(this.#folder, INCOMING)]) {
      for (const name of await readdir(folder)) {
        const path = join(folder, name);
        const stat = await aside(() => lstat(path), undefined);
        if (stat?.isFile()) entries.push({ path, bytes: onDisk(stat.size), usedAt: stat.ctimeMs });
      }
    }
    return entries;
  }
}

const onDisk = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;

/** A value instead, when it cannot be done. */
const aside = <T, U>(work: () => Promise<T>, instead: U): Promise<T | U> => work().catch(() => instead);
