import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ChainUnavailable, ChecksumMismatch, InvalidInput, NewerSchema } from '../../errors.ts';
import { syncFolder } from '../../store/sync-folder.ts';

/**
 * An append-only file of JSON lines `{"sum":"…","entry":{…}}`, each `sum` being the sha256 of the sum before it and the
 * entry's text, in hex.
 *
 * 1. `append` returns after the line is on the disk: only then may anybody hear of it.
 * 2. Bytes after the last line break were never acknowledged: `openJournal` cuts them off.
 * 3. Any other line that does not match its sum is damage, and refused by its number.
 * 4. An entry's `extrinsics`, if it has any, come last: opening leaves them on the disk, `read` has them too.
 */
export interface Journal {
  /**
   * @returns the entry's line, from 1 on
   * @throws {ChainUnavailable} when the disk takes no more: nothing was appended, and a later attempt may work
   * @throws when the disk may have lost what it took: the journal must be opened again
   */
  append(entry: object): Promise<number>;
  /** The whole entry of a line. */
  read(line: number): unknown;
  close(): Promise<void>;
}

/** In the first entry, as `version`. */
export const JOURNAL_VERSION = 2;

/** What the journal does with its file. */
export type Disk = Pick<FileHandle, 'appendFile' | 'datasync' | 'truncate' | 'close'>;

const FIRST_SUM = sumOf('', Buffer.from(`genki local chain journal ${JOURNAL_VERSION}`));
const LINE = { start: '{"sum":"', entry: '","entry":', end: '}\n' } as const;
const EXTRINSICS = ',"extrinsics":[';
const SUM_AT = LINE.start.length;
const ENTRY_AT = SUM_AT + 64 + LINE.entry.length;
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * The journal and all its entries without their extrinsics.
 *
 * @param wrap the file that is appended to, given the real one
 * @throws {ChecksumMismatch} naming file and line, when an acknowledged line was changed
 * @throws {InvalidInput | NewerSchema} when another version wrote it
 */
export async function openJournal(path: string, wrap: (disk: Disk) => Disk = (disk) => disk): Promise<{ journal: Journal; entries: unknown[] }> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+', 0o600);
  try {
    const { entries, starts, sum } = readJournal(path);
    const end = starts.at(-1)!;
    if (end < (await file.stat()).size) await file.truncate(end);
    await file.sync();
    await syncFolder(dirname(path));
    return { journal: new FileJournal(path, wrap(file), { starts, sum }), entries };
  } catch (error) {
    await file.close();
    throw error;
  }
}

class FileJournal implements Journal {
  readonly #path: string;
  readonly #disk: Disk;
  /** Where each line starts; the last one is where the next will. */
  readonly #starts: number[];
  #sum: string;
  #broken: unknown;

  constructor(path: string, disk: Disk, { starts, sum }: { starts: number[]; sum: string }) {
    this.#path = path;
    this.#disk = disk;
    this.#starts = starts;
    this.#sum = sum;
  }

  async append(entry: object): Promise<number> {
    if (this.#broken !== undefined) throw new Error('Expected a journal whose disk keeps what it takes; open it again', { cause: this.#broken });
    const text = Buffer.from(JSON.stringify(entry));
    const sum = sumOf(this.#sum, text);
    const line = Buffer.concat([Buffer.from(LINE.start + sum + LINE.entry), text, Buffer.from(LINE.end)]);
    await this.#write(line);
    this.#sum = sum;
    return this.#starts.push(this.#starts.at(-1)! + line.length) - 1;
  }

  async #write(line: Buffer): Promise<void> {
    try {
      await this.#disk.appendFile(line);
    } catch (error) {
      await this.#disk.truncate(this.#starts.at(-1)!).catch((cause: unknown) => this.#fail(cause));
      throw new ChainUnavailable(`Expected room for ${line.length} bytes in ${this.#path}, got ${(error as Error).message}`, { cause: error });
    }
    // after a failed sync nobody knows what is on the disk
    await this.#disk.datasync().catch((cause: unknown) => this.#fail(cause));
  }

  #fail(cause: unknown): never {
    this.#broken = cause;
    throw cause;
  }

  read(line: number): unknown {
    const [start, end] = [this.#starts[line - 1], this.#starts[line]];
    if (start === undefined || end === undefined) throw new RangeError(`Expected a line up to ${this.#starts.length - 1}, got ${line}`);
    return JSON.parse(readRange(this.#path, start + ENTRY_AT, end - LINE.end.length));
  }

  close(): Promise<void> {
    return this.#disk.close();
  }
}

function readJournal(path: string): { entries: unknown[]; starts: number[]; sum: string } {
  const entries: unknown[] = [];
  const starts = [0];
  let sum = FIRST_SUM;
  for (const line of linesOf(path)) {
    const number = starts.length;
    if (number === 1) checkVersion(path, line);
    const text = line.subarray(ENTRY_AT, -1);
    const [found, expected] = [line.toString('latin1', SUM_AT, SUM_AT + 64), sumOf(sum, text)];
    if (found !== expected || !isLine(line)) {
      throw new ChecksumMismatch(`Expected line ${number} of ${path} to continue line ${number - 1}, got ${isLine(line) ? `sum ${found} instead of ${expected}` : 'no journal line'}`);
    }
    sum = expected;
    entries.push(entryOf(text));
    starts.push(starts.at(-1)! + line.length + 1);
  }
  return { entries, starts, sum };
}

const isLine = (line: Buffer): boolean =>
  line.toString('latin1', 0, SUM_AT) === LINE.start && line.toString('latin1', SUM_AT + 64, ENTRY_AT) === LINE.entry && line.at(-1) === 0x7d;

/** A quote within a JSON string has a backslash before it, so that the words can only be the property. */
function entryOf(text: Buffer): unknown {
  const at = text.indexOf(EXTRINSICS);
  return JSON.parse(at < 0 ? text.toString('utf8') : `${text.toString('utf8', 0, at)}}`);
}

function checkVersion(path: string, line: Buffer): void {
  const start = line.toString('latin1', 0, ENTRY_AT + 32);
  const version = start.startsWith('{"sum":"0x') ? 1 : Number(/","entry":\{"version":(\d{1,9})\D/.exec(start)?.[1] ?? JOURNAL_VERSION);
  const message = `Expected a journal of version ${JOURNAL_VERSION}, got version ${version} in ${path}`;
  if (version > JOURNAL_VERSION) throw new NewerSchema(message);
  if (version < JOURNAL_VERSION) throw new InvalidInput(`${message}: start this chain in another folder`);
}

/** Every line that ends, without its end, a chunk of the file at a time. */
function* linesOf(path: string): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    let rest = Buffer.alloc(0);
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(file, chunk);
      if (length === 0) return;
      const bytes = Buffer.concat([rest, chunk.subarray(0, length)]);
      let start = 0;
      for (let end = bytes.indexOf(0x0a, rest.length); end >= 0; end = bytes.indexOf(0x0a, start)) {
        yield bytes.subarray(start, end);
        start = end + 1;
      }
      rest = bytes.subarray(start);
    }
  } finally {
    closeSync(file);
  }
}

function readRange(path: string, start: number, end: number): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(end - start);
    const length = readSync(file, bytes, 0, bytes.length, start);
    if (length !== bytes.length) throw new ChecksumMismatch(`Expected ${bytes.length} bytes at ${start} of ${path}, got ${length}`);
    return bytes.toString('utf8');
  } finally {
    closeSync(file);
  }
}

function sumOf(before: string, text: Uint8Array): string {
  return createHash('sha256').update(before).update(text).digest('hex');
}
