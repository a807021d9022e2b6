/**
 * A binary arithmetic coder whose probabilities it learns on the way (Rissanen and Langdon 1979; the carry as in Martin's
 * range coder of 1979).
 *
 * 1. The state is whole numbers below 2³³, which a float64 holds exactly: every machine writes the same bytes.
 * 2. A context counts its bits, each twice and one more: the estimator of Krichevsky and Trofimov (1981), which costs half a
 *    logarithm of the number of bits more than knowing the frequencies beforehand.
 * 3. One sequence of bits has one encoding, whose last byte is not 0; behind it there are zeros without end.
 */
const TOP = 2 ** 32;
const BOTTOM = 2 ** 24;
/** Where counts are halved: a unit of the range stays at least 2⁸. */
const MAX_COUNT = 2 ** 16;

/** What each of so many contexts has seen. */
export class Contexts {
  readonly #zeros: Uint32Array;
  readonly #ones: Uint32Array;

  constructor(count: number) {
    this.#zeros = new Uint32Array(count).fill(1);
    this.#ones = new Uint32Array(count).fill(1);
  }

  /** The part of `range` in which the bit of a context is 0; neither empty nor all of it. */
  zeroPart(context: number, range: number): number {
    const zeros = this.#zeros[context]!;
    return Math.floor(range / (zeros + this.#ones[context]!)) * zeros;
  }

  learn(context: number, bit: number): void {
    const seen = bit === 0 ? this.#zeros : this.#ones;
    seen[context]! += 2;
    if (this.#zeros[context]! + this.#ones[context]! <= MAX_COUNT) return;
    this.#zeros[context] = (this.#zeros[context]! >>> 1) | 1;
    this.#ones[context] = (this.#ones[context]! >>> 1) | 1;
  }
}

export class ArithmeticEncoder {
  readonly #contexts: Contexts;
  #bytes = new Uint8Array(1024);
  #length = 0;
  #low = 0;
  #range = TOP;

  constructor(contexts: number) {
    this.#contexts = new Contexts(contexts);
  }

  /** @param bit 0 or 1 */
  write(context: number, bit: number): void {
    const zero = this.#contexts.zeroPart(context, this.#range);
    if (bit === 0) this.#range = zero;
    else {
      this.#add(zero);
      this.#range -= zero;
    }
    this.#contexts.learn(context, bit);
    while (this.#range < BOTTOM) {
      this.#shift();
      this.#range *= 256;
    }
  }

  /** The encoding; nothing can be written after it. */
  finish(): Uint8Array {
    // the range holds a multiple of 2²⁴ that is above its lower end
    this.#add(BOTTOM - 1);
    this.#shift();
    while (this.#length > 0 && this.#bytes[this.#length - 1] === 0) this.#length--;
    return this.#bytes.slice(0, this.#length);
  }

  #add(value: number): void {
    this.#low += value;
    if (this.#low < TOP) return;
    this.#low -= TOP;
    let at = this.#length - 1;
    while (this.#bytes[at] === 255) this.#bytes[at--] = 0;
    this.#bytes[at]!++;
  }

  #shift(): void {
    if (this.#length === this.#bytes.length) {
      const longer = new Uint8Array(2 * this.#length);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes[this.#length++] = Math.floor(this.#low / BOTTOM);
    this.#low = (this.#low % BOTTOM) * 256;
  }
}

/** Reads what an encoder with as many contexts wrote. It gives bits of whatever it is given, without end. */
export class ArithmeticDecoder {
  readonly #contexts: Contexts;
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Less than the range. */
  #offset = 0;
  #range = TOP;

  constructor(contexts: number, bytes: Uint8Array) {
    this.#contexts = new Contexts(contexts);
    this.#bytes = bytes;
    for (let i = 0; i < 4; i++) this.#shift();
  }

  read(context: number): number {
    const zero = this.#contexts.zeroPart(context, this.#range);
    const bit = this.#offset < zero ? 0 : 1;
    if (bit === 0) this.#range = zero;
    else {
      this.#offset -= zero;
      this.#range -= zero;
    }
    this.#contexts.learn(context, bit);
    while (this.#range < BOTTOM) {
      this.#shift();
      this.#range *= 256;
    }
    return bit;
  }

  #shift(): void {
    this.#offset = this.#offset * 256 + (this.#bytes[this.#at++] ?? 0);
  }
}
