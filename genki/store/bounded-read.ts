import type { FileHandle } from 'node:fs/promises';
import { TooLarge } from '../errors.ts';
import type { GetOptions } from './object-store.ts';
import { joined } from './sink.ts';

const CHUNK_BYTES = 1 << 18;

/**
 * All bytes of an open file, which may grow while it is read, or never end.
 * Never more than `maxBytes` and a chunk are held.
 * @param name what the message calls it
 * @throws {TooLarge} when there are more than `maxBytes`
 */
export async function boundedRead(file: FileHandle, name: string, { maxBytes, signal }: GetOptions): Promise<Uint8Array> {
  const { size } = await file.stat();
  if (size > maxBytes) throw new TooLarge(`Expected ${name} to have at most ${maxBytes} bytes, got ${size}`);
  const claimed = await fill(file, new Uint8Array(size), signal);
  const chunks = [claimed];
  let total = claimed.byteLength;
  for (;;) {
    const chunk = await fill(file, new Uint8Array(CHUNK_BYTES), signal);
    if (chunk.byteLength === 0) return chunks.length === 1 ? claimed : joined(chunks, total);
    total += chunk.byteLength;
    if (total > maxBytes) throw new TooLarge(`Expected ${name} to have at most ${maxBytes} bytes, got more`);
    chunks.push(chunk);
  }
}

/** Reads until the buffer is full or the file ends; what was read. */
async function fill(file: FileHandle, buffer: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
  let at = 0;
  while (at < buffer.byteLength) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, at, Math.min(CHUNK_BYTES, buffer.byteLength - at), null);
    if (bytesRead === 0) return buffer.slice(0, at);
    at += bytesRead;
  }
  return buffer;
}
