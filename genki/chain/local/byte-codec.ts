/** Writes little-endian integers and raw bytes one after the other. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  uint(value: number, width: 1 | 2 | 4 | 8): this {
    for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) this.#bytes.push(rest % 256);
    return this;
  }

  u64(value: bigint): this {
    for (let i = 0, rest = value; i < 8; i++, rest >>= 8n) this.#bytes.push(Number(rest & 0xffn));
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#bytes.push(...bytes);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Reads what `ByteWriter` wrote. @throws {RangeError} when the bytes end early, are left over, or hold more than 2⁵³ − 1 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  uint(width: 1 | 2 | 4 | 8): number {
    const value = this.raw(width).reduceRight((rest, byte) => rest * 256 + byte, 0);
    if (!Number.isSafeInteger(value)) throw new RangeError('Expected an integer below 2^53');
    return value;
  }

  u64(): bigint {
    return this.raw(8).reduceRight((rest, byte) => (rest << 8n) | BigInt(byte), 0n);
  }

  raw(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError(`Expected ${end} bytes or more, got ${this.#bytes.length}`);
    const bytes = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return bytes;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError(`Expected ${this.#at} bytes, got ${this.#bytes.length}`);
  }
}
