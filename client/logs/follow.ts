import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { olderLog } from '../embedded/rotating-log.ts';
import { linesOf, type LogLine } from './log-lines.ts';

const MAX_READ_BYTES = 2 ** 20;

/** Reads what is added to a service's log, also when the file is put aside and begun anew. */
export class Follower {
  readonly #service: string;
  readonly #file: string;
  #inode = 0;
  #position = 0;
  #last: number | undefined;
  /** The beginning of a line that is not ended yet. */
  #rest = Buffer.alloc(0);

  constructor(folder: string, service: string) {
    this.#service = service;
    this.#file = join(folder, `${service}.log`);
  }

  /** Begins at the file's end. */
  async skip(): Promise<void> {
    const found = await this.#stat();
    this.#inode = found?.inode ?? 0;
    this.#position = found?.size ?? 0;
  }

  /** What has been added since; at most about 1 MiB at a time. */
  async read(): Promise<LogLine[]> {
    const found = await this.#stat();
    if (found === undefined) return [];
    const isNew = found.inode !== this.#inode || found.size < this.#position;
    const parts: Buffer[] = [this.#rest];
    if (isNew) {
      if (this.#inode !== 0) parts.push(await this.#readFrom(olderLog(this.#file), this.#inode));
      this.#inode = found.inode;
      this.#position = 0;
    }
    parts.push(await this.#readFrom(this.#file, this.#inode));
    const bytes = Buffer.concat(parts);
    const end = bytes.lastIndexOf('\n') + 1;
    // a line without an end is not waited for without an end
    const cut = end === 0 && bytes.length > MAX_READ_BYTES ? bytes.length : end;
    this.#rest = bytes.subarray(cut);
    const lines = linesOf(this.#service, bytes.subarray(0, cut).toString(), this.#last ?? Date.now());
    this.#last = lines.at(-1)?.at ?? this.#last;
    return lines;
  }

  async #stat(): Promise<{ inode: number; size: number } | undefined> {
    return await stat(this.#file).then((found) => (found.isFile() ? { inode: found.ino, size: found.size } : undefined), () => undefined);
  }

  async #readFrom(file: string, inode: number): Promise<Buffer> {
    const handle = await open(file, 'r').catch(() => undefined);
    if (handle === undefined) return Buffer.alloc(0);
    try {
      if ((await handle.stat()).ino !== inode) return Buffer.alloc(0);
      const buffer = Buffer.alloc(MAX_READ_BYTES);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.#position);
      this.#position += bytesRead;
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }
}
