import { type FileHandle, open, stat } from 'node:fs/promises';
import { BadSubmission, InvalidInput } from '../errors.ts';
import { type Entry, type Header, headerLength, LENGTH_BYTES, readHeader } from './safetensors-header.ts';
import type { HostTensor } from './safetensors.ts';
import { noTensor } from './tensor-source.ts';
import { readValues } from './tensor-values.ts';

/** Some systems give at most 2³¹ bytes at once. */
const CHUNK_BYTES = 2 ** 30;

/** How files begin that are taken for safetensors by their names. */
const OTHERS: readonly [string, string][] = [
  ['version ', 'a Git LFS pointer, not the file that it points to'],
  ['PK\x03\x04', 'a zip archive as PyTorch writes pickles, which is never opened'],
  ...[2, 3, 4, 5].map((protocol): [string, string] => [`\x80${String.fromCharCode(protocol)}`, 'a pickle, which is never opened']),
];

/** One safetensors file, open: its header in memory, each tensor read from where it lies. */
export class TensorFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #file: FileHandle;
  readonly #bodyAt: number;

  private constructor(path: string, { file, bodyAt, header }: { file: FileHandle; bodyAt: number; header: Header }) {
    this.path = path;
    this.#file = file;
    this.#bodyAt = bodyAt;
    this.entries = new Map(header.entries.map((entry) => [entry.name, entry]));
    this.metadata = header.metadata;
  }

  /** @throws {InvalidInput} naming the file and what is wrong with it, as `decodeSafetensors` would */
  static async open(path: string): Promise<TensorFile> {
    // asked before it is opened: a pipe would never answer
    const isFile = (await stat(path).catch(() => undefined))?.isFile();
    if (!isFile) throw new InvalidInput(`Expected a safetensors file ${path}, got ${isFile === undefined ? 'none' : 'something else'}`);
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const first = await readAt(file, { at: 0, bytes: LENGTH_BYTES });
      return new TensorFile(path, { file, ...(await openHeader(file, first, size).catch((cause: unknown) => refuse(path, cause, first))) });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** @throws {InvalidInput} when there is none of this name, or the file is not any more what it was when it was opened */
  async read(name: string): Promise<HostTensor> {
    const { dtype, shape, begin, end } = this.entries.get(name) ?? noTensor(name);
    const own = await readAt(this.#file, { at: this.#bodyAt + begin, bytes: end - begin });
    if (own.byteLength < end - begin) throw new InvalidInput(`Expected ${end - begin} bytes of tensor ${name} in ${this.path}, got ${own.byteLength}`);
    try {
      return { dtype, shape, data: readValues(name, dtype, own) };
    } catch (cause) {
      return refuse(this.path, cause);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function openHeader(file: FileHandle, first: Uint8Array, size: number): Promise<{ bodyAt: number; header: Header }> {
  const length = headerLength({ first, bytes: size }, {});
  const bodyAt = LENGTH_BYTES + length;
  return { bodyAt, header: readHeader(await readAt(file, { at: LENGTH_BYTES, bytes: length }), size - bodyAt, {}) };
}

/** Fewer where the file ends before. */
async function readAt(file: FileHandle, { at, bytes }: { at: number; bytes: number }): Promise<Uint8Array> {
  const own = new Uint8Array(bytes);
  for (let done = 0; done < bytes;) {
    const { bytesRead } = await file.read(own, done, Math.min(CHUNK_BYTES, bytes - done), at + done);
    if (bytesRead === 0) return own.slice(0, done);
    done += bytesRead;
  }
  return own;
}

function refuse(path: string, cause: unknown, first: Uint8Array = new Uint8Array(0)): never {
  if (!(cause instanceof BadSubmission)) throw cause;
  const other = OTHERS.find(([beginning]) => Buffer.from(first).toString('latin1').startsWith(beginning));
  throw new InvalidInput(`Expected safetensors, got ${path}: ${other === undefined ? cause.message : other[1]}`, { cause });
}
