import { bytesToHex, hexToBytes, concatBytes } from '@noble/hashes/utils.js';
import { blake2b } from '@noble/hashes/blake2.js';
import * as z from 'zod';
import { blake2Hash } from '../keys.ts';
import { ByteWriter } from './byte-codec.ts';

const Hash = z.string().regex(/^0x[0-9a-f]{64}$/);

/** A block as the journal keeps it; extrinsics in lower-case hex. */
export const Block = z.strictObject({
  number: z.int().min(1),
  parent: Hash,
  /** 32 bytes of the author's, hex, unknown to anybody before the block. */
  randomness: z.string().regex(/^[0-9a-f]{64}$/),
  extrinsics: z.array(z.string().regex(/^([0-9a-f]{2})+$/)),
});
export type Block = z.infer<typeof Block>;

/** blake2b-256 over parent, number (u64), each extrinsic's hash, and the author's randomness. */
export const blockHash = ({ number, parent, randomness, extrinsics }: Block): string =>
  blake2Hash(
    concatBytes(
      hexToBytes(parent.slice(2)),
      new ByteWriter().uint(number, 8).done(),
      ...extrinsics.map((hex) => blake2b(hexToBytes(hex), { dkLen: 32 })),
      hexToBytes(randomness),
    ),
  );

/** The author's randomness for the block after `parent`: keyed by a secret, so that no one else can tell it in advance. */
export const authorRandomness = (secret: Uint8Array, parent: string): string =>
  bytesToHex(blake2b(hexToBytes(parent.slice(2)), { key: secret, dkLen: 32 }));
