import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { ChecksumMismatch } from '../errors.ts';
import { chunksOf } from './file-chunks.ts';
import type { ObjectRef, StoreOptions } from './object-store.ts';
import type { Sink } from './sink.ts';

/** What bytes are told by. */
export type Digest = Pick<ObjectRef, 'sha256' | 'bytes'>;

export const digestOf = (body: Uint8Array): Digest => ({ sha256: createHash('sha256').update(body).digest('hex'), bytes: body.byteLength });

/** Takes the digest of what is streamed, and keeps nothing. */
export class DigestSink implements Sink {
  #hash: Hash = createHash('sha256');
  bytes = 0;

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.bytes += chunk.byteLength;
  }

  restart(): void {
    this.#hash = createHash('sha256');
    this.bytes = 0;
  }

  digest(): Digest {
    return { sha256: this.#hash.copy().digest('hex'), bytes: this.bytes };
  }
}

/** Of an open file, from its beginning. */
export async function digestOfFile(file: FileHandle, options: StoreOptions = {}): Promise<Digest> {
  const sink = new DigestSink();
  for await (const chunk of chunksOf(file, 0, options)) sink.write(chunk);
  return sink.digest();
}

export const isNamed = (ref: ObjectRef, got: Digest): boolean => got.sha256 === ref.sha256 && got.bytes === ref.bytes;

/** @throws {ChecksumMismatch} when these are not the bytes that the reference names */
export function checkIsNamed({ bucket, key, sha256, bytes }: ObjectRef, got: Digest): void {
  if (got.sha256 !== sha256) throw new ChecksumMismatch(`Expected ${bucket}/${key} to have sha256 ${sha256}, got ${got.sha256}`);
  if (got.bytes !== bytes) throw new ChecksumMismatch(`Expected ${bucket}/${key} to have ${bytes} bytes, got ${got.bytes}`);
}
