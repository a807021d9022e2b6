import { concatBytes } from '@noble/hashes/utils.js';

/** Parity's SCALE encoding: integers little-endian, lists after their compact length. */

export const scaleU16 = (value: number): Uint8Array => littleEndian(BigInt(value), 2);

export const scaleU64 = (value: number): Uint8Array => littleEndian(BigInt(value), 8);

/** An integer in so many bytes, a negative one as its two's complement. */
export const scaleInt = (value: bigint, bytes: number): Uint8Array => littleEndian(value, bytes);

/** An integer below 2⁵³⁶ in the shortest of four forms; the two low bits say which. */
export function scaleCompact(value: bigint): Uint8Array {
  if (value < 1n << 6n) return littleEndian(value << 2n, 1);
  if (value < 1n << 14n) return littleEndian((value << 2n) | 1n, 2);
  if (value < 1n << 30n) return littleEndian((value << 2n) | 2n, 4);
  const bytes = Math.ceil(value.toString(16).length / 2);
  return concatBytes(Uint8Array.of(((bytes - 4) << 2) | 3), littleEndian(value, bytes));
}

/** A vector of u16. */
export const scaleU16s = (values: readonly number[]): Uint8Array => concatBytes(scaleCompact(BigInt(values.length)), ...values.map(scaleU16));

/** A vector of bytes. */
export const scaleBytes = (bytes: Uint8Array): Uint8Array => concatBytes(scaleCompact(BigInt(bytes.length)), bytes);

function littleEndian(value: bigint, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** Reads values from the front of some bytes. Every method throws {RangeError} on what is not there, or not canonical. */
export class ScaleReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u16(): number {
    return Number(this.uint(2));
  }

  /** @throws {RangeError} above 2⁵³ − 1, too */
  u64(): number {
    const value = Number(this.uint(8));
    if (!Number.isSafeInteger(value)) throw new RangeError('Expected an integer below 2^53');
    return value;
  }

  u16s(): number[] {
    return Array.from({ length: this.length(2) }, () => this.u16());
  }

  bytes(): Uint8Array {
    return this.raw(this.length(1));
  }

  uint(bytes: number): bigint {
    return this.raw(bytes).reduceRight((rest, byte) => (rest << 8n) | BigInt(byte), 0n);
  }

  compact(): bigint {
    const first = this.#bytes[this.#at] ?? 0;
    if ((first & 3) < 3) {
      const form = first & 3;
      const value = this.uint([1, 2, 4][form]!) >> 2n;
      if (value < [0n, 1n << 6n, 1n << 14n][form]!) throw new RangeError(`Expected the shortest form of ${value}`);
      return value;
    }
    const width = (Number(this.uint(1)) >> 2) + 4;
    const value = this.uint(width);
    if (value < 1n << 30n || value < 1n << BigInt(8 * (width - 1))) throw new RangeError(`Expected the shortest form of ${value}`);
    return value;
  }

  /** Of a vector, checked against what is there before anything is allocated. */
  length(itemBytes: number): number {
    const length = Number(this.compact());
    if (length * itemBytes > this.left) throw new RangeError(`Expected ${length} items, got ${this.left} bytes`);
    return length;
  }

  raw(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError(`Expected ${end} bytes, got ${this.#bytes.length}`);
    const bytes = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
