import { createCipheriv } from 'node:crypto';

const BLOCK = Buffer.alloc(64 * 1024);

/**
 * Standard normal numbers out of AES-256 in counter mode (from 0), which nobody can continue or tell from chance without
 * the key: uniforms u, v of 53 bits each, then √(−2 ln u) · cos 2πv and √(−2 ln u) · sin 2πv (Box and Muller 1958).
 *
 * u is never 0 and no smaller than 2⁻⁵³, so no number is beyond 8.6, which ideal ones are once in 10¹⁷.
 * @param key 32 bytes, of this stream alone: the counter always begins at 0
 */
export function* normalStream(key: Uint8Array): Generator<number, never> {
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  for (;;) {
    const bits = cipher.update(BLOCK);
    for (let at = 0; at < bits.length; at += 16) {
      const radius = Math.sqrt(-2 * Math.log(uniform(bits, at) + 2 ** -53));
      const angle = 2 * Math.PI * uniform(bits, at + 8);
      yield radius * Math.cos(angle);
      yield radius * Math.sin(angle);
    }
  }
}

/** A multiple of 2⁻⁵³ in [0, 1). */
const uniform = (bits: Buffer, at: number): number => ((bits.readUInt32LE(at) >>> 5) * 2 ** 26 + (bits.readUInt32LE(at + 4) >>> 6)) / 2 ** 53;
