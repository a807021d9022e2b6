import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { InvalidInput } from '../errors.ts';
import type { StoreOptions } from './object-store.ts';
import { codeOf, rethrow } from './system-errors.ts';

const CHUNK_BYTES = 1 << 18;

/** An open file's bytes from a position to its end. A chunk holds until the next one is asked for. */
export async function* chunksOf(file: FileHandle, from: number, { signal }: StoreOptions): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let at = from; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** An open file's bytes from `start` up to `end`, fewer where it ends before. */
export async function readSpan(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(end - start);
  for (let at = 0; at < buffer.byteLength; ) {
    const { bytesRead } = await file.read(buffer, at, Math.min(CHUNK_BYTES, buffer.byteLength - at), start + at);
    if (bytesRead === 0) return buffer.slice(0, at);
    at += bytesRead;
  }
  return buffer;
}

/**
 * Opens a file that is to be put, for as long as `use` takes.
 * @throws {InvalidInput} when it is none
 */
export async function withFile<T>(path: string, use: (file: FileHandle, bytes: number) => Promise<T>): Promise<T> {
  // not to wait for a named pipe's writer
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') rethrow(error);
    throw new InvalidInput(`Expected a file ${path} to put, got none`, { cause: error });
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new InvalidInput(`Expected a file ${path} to put, got something else`);
    return await use(file, stat.size);
  } finally {
    await file.close();
  }
}
