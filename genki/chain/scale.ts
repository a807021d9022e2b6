import { concatBytes } from '@noble/hashes/utils.js';

/** Parity's SCALE encoding, as far as weights need it. */

export const scaleU16 = (value: number): Uint8Array => littleEndian(BigInt(value), 2);

export const scaleU64 = (value: number): Uint8Array => littleEndian(BigInt(value), 8);

/** A vector of u16. */
export const scaleU16s = (values: readonly number[]): Uint8Array => concatBytes(compact(values.length), ...values.map(scaleU16));

/** A vector of bytes. */
export const scaleBytes = (bytes: Uint8Array): Uint8Array => concatBytes(compact(bytes.length), bytes);

/** A length in the shortest of three forms; the two low bits say which. */
function compact(length: number): Uint8Array {
  if (length < 2 ** 6) return littleEndian(BigInt(length) << 2n, 1);
  if (length < 2 ** 14) return littleEndian((BigInt(length) << 2n) | 1n, 2);
  return littleEndian((BigInt(length) << 2n) | 2n, 4);
}

function littleEndian(value: bigint, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** Reads values from the front of some bytes; what is left over at the end does not matter to it, nor to the runtime. */
export class ScaleReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u16(): number {
    return Number(this.#uint(2));
  }

  /** @throws {RangeError} above 2⁵³ − 1, too */
  u64(): number {
    const value = Number(this.#uint(8));
    if (!Number.isSafeInteger(value)) throw new RangeError('Expected an integer below 2^53');
    return value;
  }

  u16s(): number[] {
    return Array.from({ length: this.#length(2) }, () => this.u16());
  }

  bytes(): Uint8Array {
    return this.#take(this.#length(1));
  }

  /** A vector's length, checked against what is there before anything is allocated. */
  #length(itemBytes: number): number {
    const form = this.#bytes[this.#at] ?? 0;
    const width = [1, 2, 4][form & 3];
    if (width === undefined) throw new RangeError('Expected a vector of fewer than 2^30 items');
    const length = Number(this.#uint(width) >> 2n);
    const least = [0, 2 ** 6, 2 ** 14][form & 3]!;
    if (length < least) throw new RangeError(`Expected the shortest form of length ${length}`);
    if (this.#at + length * itemBytes > this.#bytes.length) throw new RangeError(`Expected ${length} items, got ${this.#bytes.length - this.#at} bytes`);
    return length;
  }

  #uint(width: number): bigint {
    return this.#take(width).reduceRight((rest, byte) => (rest << 8n) | BigInt(byte), 0n);
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError(`Expected ${end} bytes, got ${this.#bytes.length}`);
    const bytes = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
