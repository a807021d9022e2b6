import { blake2b } from '@noble/hashes/blake2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { decodeAddress, encodeAddress } from '@polkadot/util-crypto/address';
import { keyExtractPath, keyFromPath } from '@polkadot/util-crypto/key';
import { sr25519PairFromSeed, sr25519Sign, sr25519Verify } from '@polkadot/util-crypto/sr25519';
import { InvalidInput } from '../errors.ts';
import type { Hotkey, Signer } from './chain.ts';

const SS58_PREFIX = 42;

/** Public by design: the seed of Substrate's well-known development phrase, from which `//Alice` and all `//names` derive. */
const DEVELOPMENT_SEED = hexToBytes('fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e');

/**
 * A signer that keeps its secret to itself.
 *
 * @param secret 32 bytes of seed as 64 hex digits (0x allowed), or a development path such as `//miner-1`, which
 *   anybody can derive
 * @throws {InvalidInput} on anything else, without repeating it
 */
export function createSigner(secret: string): Signer & { readonly publicKey: Uint8Array } {
  const pair = pairOf(secret);
  return {
    hotkey: encodeHotkey(pair.publicKey),
    publicKey: pair.publicKey,
    sign: (message) => sr25519Sign(message, pair),
  };
}

/** True when `signature` is the hotkey's own over `message`; false for anything malformed, never an error. */
export function verifySignature(message: Uint8Array, signature: Uint8Array, hotkey: Hotkey): boolean {
  try {
    return sr25519Verify(message, signature, decodeHotkey(hotkey));
  } catch {
    return false;
  }
}

/** The SS58 address (prefix 42) of a public key of 32 bytes. */
export const encodeHotkey = (publicKey: Uint8Array): Hotkey => encodeAddress(publicKey, SS58_PREFIX);

/**
 * The public key of an SS58 address, 32 bytes.
 *
 * @throws {InvalidInput} unless it is the one canonical form with prefix 42
 */
export function decodeHotkey(hotkey: Hotkey): Uint8Array {
  // the length comes first: decoding base58 takes time quadratic in it
  const publicKey = /^[1-9A-HJ-NP-Za-km-z]{47,48}$/.test(hotkey) ? tryDecode(hotkey) : undefined;
  if (publicKey?.length !== 32 || encodeHotkey(publicKey) !== hotkey) throw new InvalidInput('Expected an SS58 address with prefix 42');
  return publicKey;
}

/** True for a canonical SS58 address with prefix 42. */
export function isHotkey(text: string): boolean {
  try {
    decodeHotkey(text);
    return true;
  } catch {
    return false;
  }
}

/** 0x and the blake2b-256 of the bytes, as the chain names blocks and extrinsics. */
export const blake2Hash = (bytes: Uint8Array): string => `0x${bytesToHex(blake2b(bytes, { dkLen: 32 }))}`;

/** `decodeAddress` quotes what it was given, which may be a secret pasted by mistake. */
function tryDecode(hotkey: string): Uint8Array | undefined {
  try {
    return decodeAddress(hotkey, false, SS58_PREFIX);
  } catch {
    return undefined;
  }
}

function pairOf(secret: string): ReturnType<typeof sr25519PairFromSeed> {
  const hex = secret.startsWith('0x') ? secret.slice(2) : secret;
  if (/^[0-9a-f]{64}$/i.test(hex)) return sr25519PairFromSeed(hexToBytes(hex));
  if (/^(\/\/[\w.-]{1,64})+$/.test(secret)) return keyFromPath(sr25519PairFromSeed(DEVELOPMENT_SEED), keyExtractPath(secret).path, 'sr25519');
  throw new InvalidInput('Expected a secret seed of 64 hex digits or a development path like //name');
}
