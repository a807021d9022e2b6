import { bytesToHex, hexToBytes, concatBytes } from '@noble/hashes/utils.js';
import { blake2b } from '@noble/hashes/blake2.js';
import * as z from 'zod';
import { blake2Hash } from '../keys.ts';
import { beaconPublicKey, beaconPulse, isPulseOf } from '../timelock.ts';
import { ByteWriter } from './byte-codec.ts';
import type { Genesis } from './genesis.ts';

const Hash = z.string().regex(/^0x[0-9a-f]{64}$/);

/** A block as the journal keeps it; extrinsics in lower-case hex. */
export const Block = z.strictObject({
  number: z.int().min(1),
  parent: Hash,
  /** 32 bytes of the author's, hex, unknown to anybody before the block. */
  randomness: z.string().regex(/^[0-9a-f]{64}$/),
  /** The beacon's signature of `number` (G1, 48 bytes, hex); null where the chain has no beacon. */
  pulse: z.string().regex(/^[0-9a-f]{96}$/).nullable(),
  extrinsics: z.array(z.string().regex(/^([0-9a-f]{2})+$/)),
});
export type Block = z.infer<typeof Block>;

/** blake2b-256 over parent, number (u64), each extrinsic's hash, the author's randomness, and the pulse where there is one. */
export const blockHash = ({ number, parent, randomness, pulse, extrinsics }: Block): string =>
  blake2Hash(
    concatBytes(
      hexToBytes(parent.slice(2)),
      new ByteWriter().uint(number, 8).done(),
      ...extrinsics.map((hex) => blake2b(hexToBytes(hex), { dkLen: 32 })),
      hexToBytes(randomness),
      hexToBytes(pulse ?? ''),
    ),
  );

/** The author's randomness for the block after `parent`: keyed by a secret, so that no one else can tell it in advance. */
export const authorRandomness = (secret: Uint8Array, parent: string): string =>
  bytesToHex(blake2b(hexToBytes(parent.slice(2)), { key: secret, dkLen: 32 }));

/** The beacon of a chain whose author is its own: for the genesis. */
export const authorBeacon = (secret: Uint8Array): { publicKey: string } => ({ publicKey: beaconPublicKey(secret) });

/** What the author puts into block `number`: the beacon's signature of it, or null where the chain has no beacon. */
export const authorPulse = (secret: Uint8Array, { beacon }: Genesis, number: number): string | null => (beacon ? beaconPulse(secret, number) : null);

/** True when the block carries the pulse that the chain's beacon owes it. */
export const hasItsPulse = ({ number, pulse }: Block, { beacon }: Genesis): boolean =>
  beacon === null ? pulse === null : pulse !== null && isPulseOf(beacon.publicKey, number, pulse);
