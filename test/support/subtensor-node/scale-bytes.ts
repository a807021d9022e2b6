/** Reads SCALE values from the front of some bytes. @throws {RangeError} when they end early */
export class ScaleBytes {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new RangeError(`Expected ${length} bytes, got ${this.left}`);
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  /** The two low bits say in how many bytes it stands. */
  compact(): bigint {
    const first = this.byte();
    const more = [0, 1, 3, (first >> 2) + 4][first & 3]!;
    const rest = littleEndian(this.take(more));
    return (first & 3) === 3 ? rest : (rest << 6n) | BigInt(first >> 2);
  }
}

/** An integer in its shortest compact form. */
export function compact(value: bigint | number): Uint8Array {
  const number = BigInt(value);
  if (number < 1n << 6n) return bytesOf(number << 2n, 1);
  if (number < 1n << 14n) return bytesOf((number << 2n) | 1n, 2);
  if (number < 1n << 30n) return bytesOf((number << 2n) | 2n, 4);
  const length = Math.max(4, Math.ceil(number.toString(16).length / 2));
  return Uint8Array.of(((length - 4) << 2) | 3, ...bytesOf(number, length));
}

const bytesOf = (value: bigint, width: number): Uint8Array => Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((rest, byte) => (rest << 8n) | BigInt(byte), 0n);
