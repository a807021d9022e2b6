import { concatBytes } from '@noble/hashes/utils.js';
import { blake2Hash } from '../../../genki/chain/keys.ts';
import { ByteWriter } from '../../../genki/chain/local/byte-codec.ts';
import { compact } from './scale-bytes.ts';
import { fromHex, toHex } from './wire-runtime.ts';

export type Header = {
  /** 0x and 64 hex, as are the roots. */
  readonly parentHash: string;
  readonly number: number;
  readonly stateRoot: string;
  readonly extrinsicsRoot: string;
  /** Digest items, in SCALE. */
  readonly logs: readonly Uint8Array[];
};

/** A header's hash: blake2b-256 of its SCALE encoding. */
export const headerHash = ({ parentHash, number, stateRoot, extrinsicsRoot, logs }: Header): string =>
  blake2Hash(concatBytes(fromHex(parentHash), compact(number), fromHex(stateRoot), fromHex(extrinsicsRoot), compact(logs.length), ...logs));

/** As JSON-RPC tells it. */
export const headerJson = ({ parentHash, number, stateRoot, extrinsicsRoot, logs }: Header): object => ({
  parentHash,
  number: `0x${number.toString(16)}`,
  stateRoot,
  extrinsicsRoot,
  digest: { logs: logs.map(toHex) },
});

const [SEAL, PRE_RUNTIME] = [5, 6];
const AURA = new TextEncoder().encode('aura');

/** The digest of an Aura block: its slot, and 64 bytes where the author's signature would be. */
export const auraDigest = (slot: number, seal: Uint8Array): Uint8Array[] => [digestItem(PRE_RUNTIME, new ByteWriter().uint(slot, 8).done()), digestItem(SEAL, seal)];

const digestItem = (kind: number, bytes: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(kind), AURA, compact(bytes.length), bytes);
