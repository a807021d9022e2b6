/** Where streamed bytes go. */
export interface Sink {
  /** How many are there. */
  readonly bytes: number;
  write(chunk: Uint8Array): void | Promise<void>;
  /** Forgets what is there. */
  restart(): void | Promise<void>;
}

/** Keeps them. */
export class MemorySink implements Sink {
  #chunks: Uint8Array[] = [];
  bytes = 0;

  write(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.bytes += chunk.byteLength;
  }

  restart(): void {
    this.#chunks = [];
    this.bytes = 0;
  }

  body(): Uint8Array {
    return joined(this.#chunks, this.bytes);
  }
}

/** One after the other. */
export function joined(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const body = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}
