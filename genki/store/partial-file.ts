import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { faultOf } from '../errors.ts';
import { checkIsNamed, DigestSink, isNamed, type Digest } from './digest.ts';
import { draftName, isBeingWritten } from './drafts.ts';
import { chunksOf } from './file-chunks.ts';
import type { ObjectRef } from './object-store.ts';
import type { Sink } from './sink.ts';
import { syncFolder } from './sync-folder.ts';
import { codeOf, rethrow } from './system-errors.ts';

/** In the place of a process id: nobody is writing. */
const NOBODY = '0';

/**
 * Fills a file that appears under its path whole or not at all. What an interrupted call for the same bytes has left
 * beside it is continued; bytes that turn out to be others than the reference names are asked for once more, from the
 * first: those left behind, or the way here, may have been at fault.
 * @param fill appends the bytes from `sink.bytes` on
 * @throws {ChecksumMismatch} {StoreUnavailable} and what `fill` throws
 */
export async function saveFile(ref: ObjectRef, path: string, fill: (sink: Sink) => Promise<void>): Promise<void> {
  const file = await PartialFile.open(path, ref).catch(rethrow);
  try {
    await fill(file);
    if (!isNamed(ref, file.digest())) {
      await file.restart();
      await fill(file);
    }
    checkIsNamed(ref, file.digest());
    await file.publish();
  } catch (error) {
    await file.close(faultOf(error) ? 'discard' : 'keep');
    rethrow(error);
  }
}

/** `<file>.<what>.<owner>.part`: one owner at a time, so that nobody writes into what another one has checked. */
class PartialFile implements Sink {
  readonly #path: string;
  readonly #stem: string;
  readonly #draft: string;
  readonly #file: FileHandle;
  readonly #sum = new DigestSink();

  private constructor(path: string, own: { stem: string; draft: string; file: FileHandle }) {
    this.#path = path;
    this.#stem = own.stem;
    this.#draft = own.draft;
    this.#file = own.file;
  }

  static async open(path: string, ref: ObjectRef): Promise<PartialFile> {
    const stem = stemOf(path, ref);
    const draft = `${stem}${draftName()}.part`;
    await claim(stem, draft);
    const partial = new PartialFile(path, { stem, draft, file: await open(draft, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o666) });
    try {
      for await (const chunk of chunksOf(partial.#file, 0, {})) partial.#sum.write(chunk);
      if (partial.bytes > ref.bytes) await partial.restart();
      return partial;
    } catch (error) {
      await partial.close('keep');
      throw error;
    }
  }

  get bytes(): number {
    return this.#sum.bytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength; ) {
      const { bytesWritten } = await this.#file.write(chunk, at, chunk.byteLength - at, this.bytes + at).catch(rethrow);
      at += bytesWritten;
    }
    this.#sum.write(chunk);
  }

  async restart(): Promise<void> {
    await this.#file.truncate(0).catch(rethrow);
    this.#sum.restart();
  }

  digest(): Digest {
    return this.#sum.digest();
  }

  async publish(): Promise<void> {
    await this.#file.sync();
    await rename(this.#draft, this.#path);
    await this.#file.close();
    await syncFolder(dirname(this.#path));
  }

  async close(fate: 'keep' | 'discard'): Promise<void> {
    await this.#file.close().catch(() => undefined);
    if (fate === 'discard' || this.bytes === 0) await rm(this.#draft, { force: true }).catch(() => undefined);
    else await rename(this.#draft, `${this.#stem}${NOBODY}.part`).catch(() => undefined);
  }
}

/** A key may be as long as a file's name can be. */
const stemOf = (path: string, ref: ObjectRef): string => {
  const what = createHash('sha256').update(`${basename(path)}/${ref.sha256}`).digest('hex').slice(0, 24);
  return join(dirname(path), `.${what}.`);
};

/** Takes over a draft whose writer is no more; of several, one. */
async function claim(stem: string, draft: string): Promise<void> {
  const start = basename(stem);
  const left = (await readdir(dirname(stem))).filter((name) => name.startsWith(start) && name.endsWith('.part') && !isBeingWritten(name.slice(start.length)));
  for (const name of left) {
    await rename(join(dirname(stem), name), draft).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error; // somebody else took it
    });
  }
}
