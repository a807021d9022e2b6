import type { Layout } from '../../../../../genki/federation/layout.ts';
import { Random } from '../../../../../genki/protocol/random.ts';

/** A layout of tensors of these sizes. */
export function layoutOfSizes(...sizes: readonly number[]): Layout {
  let offset = 0;
  const places = sizes.map((size, i) => ({ name: `t${i}`, shape: [size], offset: (offset += size) - size, size }));
  return { places, size: offset };
}

/** Normal values, a part of them 0. */
export const someUpdate = (size: number, seed: string, zeros = 0): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: size }, () => (random.chance(zeros) ? 0 : random.normal()));
};

/** The bits of each value, so that 0 and -0 differ. */
export const bitsOf = (values: Float32Array): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

/** Block hash of one digit. */
export const hashOf = (digit: string): string => `0x${digit.repeat(64)}`;

/** The same safetensors file, its header eight spaces longer. */
export function withLongerHeader(file: Uint8Array): Uint8Array {
  const head = Buffer.from(file.subarray(0, 8));
  const bytes = head.readBigUInt64LE();
  head.writeBigUInt64LE(bytes + 8n);
  return Buffer.concat([head, file.subarray(8, 8 + Number(bytes)), Buffer.alloc(8, ' '), file.subarray(8 + Number(bytes))]);
}
