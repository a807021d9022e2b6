import { blake2b } from '@noble/hashes/blake2.js';

/**
 * Genki's portable generator: xoshiro128** (Blackman and Vigna 2018), its 128 bits of state being the first
 * 16 bytes, as four little-endian words, of blake2b-256 over the seed's UTF-8 text.
 * Everybody who recomputes a round draws the same numbers; `test/genki/protocol/random.test.ts` has the vectors.
 */
export class Random {
  readonly #s: Uint32Array;

  constructor(seed: string) {
    const digest = blake2b(new TextEncoder().encode(seed), { dkLen: 32 });
    const view = new DataView(digest.buffer, digest.byteOffset, 16);
    this.#s = Uint32Array.from([0, 4, 8, 12], (at) => view.getUint32(at, true));
  }

  /** The next 32 bits. */
  next(): number {
    const s = this.#s;
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotateLeft(s[3]!, 11);
    return result;
  }

  /** Uniform in [0, 1), 24 bits. */
  float(): number {
    return (this.next() >>> 8) / 2 ** 24;
  }

  /** Uniform in 0 … n − 1, without bias. */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) throw new RangeError(`Expected 1 to 2^32 choices, got ${n}`);
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const x = this.next();
      if (x < limit) return x % n;
    }
  }

  /** Standard normal (Box and Muller 1958), one draw of two uniforms. */
  normal(): number {
    const u = (this.next() + 1) / (2 ** 32 + 1);
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.float());
  }

  /** One of `items`. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.float() < p;
  }

  /** A new array with the same items in random order (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }
}

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
