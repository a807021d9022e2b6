import { blake2b } from '@noble/hashes/blake2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { InvalidInput } from '../errors.ts';

/** With five blocks' hashes no single author of a block chooses the seed. */
const LEAST_BLOCKS = 5;

export type SeedSource = {
  /** Of the blocks S … S + k, in this order, 0x + 64 hex; k is at least 4. */
  readonly blockHashes: readonly string[];
  /** Digest of the competition, base64. */
  readonly competition: string;
};

/**
 * The seed for one purpose: `blake2b-256(block hashes ‖ competition digest ‖ label)` as 64 hex digits, for `Random`.
 * Nobody knew it before the last of the blocks (protocol §1.6b).
 * @throws {InvalidInput} on fewer than 5 blocks, or what is not a hash
 */
export function seedOf({ blockHashes, competition }: SeedSource, label: string): string {
  if (blockHashes.length < LEAST_BLOCKS) throw new InvalidInput(`Expected the hashes of at least ${LEAST_BLOCKS} blocks, got ${blockHashes.length}`);
  const wrong = blockHashes.find((hash) => !/^0x[0-9a-f]{64}$/i.test(hash));
  if (wrong !== undefined) throw new InvalidInput(`Expected a block hash of 0x and 64 hex digits, got ${wrong.slice(0, 80)}`);
  const digest = Buffer.from(competition, 'base64');
  if (digest.byteLength !== 32 || digest.toString('base64') !== competition) throw new InvalidInput(`Expected a competition's digest, got ${competition.slice(0, 80)}`);
  const hashes = blockHashes.map((hash) => hexToBytes(hash.slice(2)));
  return bytesToHex(blake2b(concatBytes(...hashes, digest, utf8ToBytes(label)), { dkLen: 32 }));
}
