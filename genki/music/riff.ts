import { InvalidInput } from '../errors.ts';

export type RiffChunk = { readonly name: string; readonly body: DataView };

/**
 * The chunks of a WAV file, in order; each lies on even bytes.
 * @throws {InvalidInput} as it goes: when it is another kind of file, or a chunk longer than the file
 */
export function* wavChunks(bytes: Uint8Array): Generator<RiffChunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 12 || fourAt(bytes, 0) !== 'RIFF' || fourAt(bytes, 8) !== 'WAVE') {
    throw new InvalidInput(`Expected a WAV file, got ${bytes.byteLength} other bytes`);
  }
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const name = fourAt(bytes, at);
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (length > bytes.byteLength - body) throw new InvalidInput(`Expected chunk ${name} to hold ${length} bytes, got ${bytes.byteLength - body}`);
    yield { name, body: new DataView(bytes.buffer, bytes.byteOffset + body, length) };
    at = body + length + (length % 2);
  }
}

/** A chunk of these bytes, with the byte that makes their number even. */
export function riffChunk(name: string, body: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(8 + body.length + (body.length % 2));
  chunk.set(new TextEncoder().encode(name));
  new DataView(chunk.buffer).setUint32(4, body.length, true);
  chunk.set(body, 8);
  return chunk;
}

const fourAt = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
