import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { InvalidInput } from '../../errors.ts';
import type { Call, Signer, SignedExtrinsic } from '../chain.ts';
import { blake2Hash, decodeHotkey, encodeHotkey, verifySignature } from '../keys.ts';
import { ByteReader, ByteWriter } from './byte-codec.ts';
import { readCall, writeCall } from './call-codec.ts';

/**
 * An extrinsic of the local chain is these bytes, integers little-endian:
 *
 *     version u8 = 1 | public key 32 | signature 64 | nonce u32 | born at u32 | period u8 | call
 *
 * The signature covers a tag, the genesis hash, the spec version, the hash of the block it was born at and all bytes
 * but version and signature: moved to another chain, runtime or fork, it is void.
 */
const VERSION = 1;
const TAG = new TextEncoder().encode('genki local extrinsic');
const MAX_U32 = 0xffffffff;

/** Blocks that an extrinsic may live; it can enter those after its birth up to and including `bornAt + period`. */
export const PERIOD = { min: 32, max: 64 } as const;

/** Nothing valid is longer. */
export const MAX_EXTRINSIC_BYTES = 20_000;

/** What the signature binds beside the extrinsic's own bytes. */
export type SigningContext = { readonly genesisHash: string; readonly specVersion: number; readonly birthHash: string };

export type Draft = { readonly call: Call; readonly nonce: number; readonly bornAt: number; readonly period: number };

/** An extrinsic read from its bytes; its signature is not yet checked. */
export type DecodedExtrinsic = SignedExtrinsic & { readonly call: Call; readonly period: number; readonly publicKey: Uint8Array; readonly signature: Uint8Array };

/**
 * The signed extrinsic.
 *
 * @throws {InvalidInput} when a value does not fit its field
 */
export function signExtrinsic(draft: Draft, context: SigningContext, signer: Signer): SignedExtrinsic {
  const { nonce, bornAt, period } = draft;
  if (![nonce, bornAt].every((x) => Number.isInteger(x) && x >= 0 && x <= MAX_U32)) throw new InvalidInput('Expected nonce and birth to be u32');
  if (!Number.isInteger(period) || period < PERIOD.min || period > PERIOD.max) {
    throw new InvalidInput(`Expected a period of ${PERIOD.min} to ${PERIOD.max} blocks, got ${period}`);
  }
  const publicKey = decodeHotkey(signer.hotkey);
  const body = bodyOf(draft);
  const signature = signer.sign(payloadOf(publicKey, body, context));
  const bytes = new ByteWriter().uint(VERSION, 1).raw(publicKey).raw(signature).raw(body).done();
  return { hex: bytesToHex(bytes), hash: blake2Hash(bytes), signer: signer.hotkey, nonce, bornAt, diesAt: bornAt + period };
}

/**
 * The extrinsic behind lower-case hex.
 *
 * @throws {InvalidInput} on any byte too many, too few or out of range
 */
export function decodeExtrinsic(hex: string): DecodedExtrinsic {
  if (hex.length > 2 * MAX_EXTRINSIC_BYTES || !/^([0-9a-f]{2})+$/.test(hex)) {
    throw new InvalidInput(`Expected an extrinsic of at most ${MAX_EXTRINSIC_BYTES} bytes in lower-case hex`);
  }
  const bytes = hexToBytes(hex);
  const reader = new ByteReader(bytes);
  try {
    const version = reader.uint(1);
    if (version !== VERSION) throw new RangeError(`Expected version ${VERSION}, got ${version}`);
    const publicKey = reader.raw(32);
    const signature = reader.raw(64);
    const nonce = reader.uint(4);
    const bornAt = reader.uint(4);
    const period = reader.uint(1);
    if (period < PERIOD.min || period > PERIOD.max) throw new RangeError(`Expected a period of ${PERIOD.min} to ${PERIOD.max} blocks, got ${period}`);
    const call = readCall(reader);
    reader.end();
    const signed = { hex, hash: blake2Hash(bytes), signer: encodeHotkey(publicKey), nonce, bornAt, diesAt: bornAt + period };
    return { ...signed, call, period, publicKey, signature };
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidInput(`Expected an extrinsic: ${error.message}`, { cause: error });
    throw error;
  }
}

/** True when the signer signed exactly this extrinsic for this chain, runtime and birth block. */
export const isSignedFor = (extrinsic: DecodedExtrinsic, context: SigningContext): boolean =>
  verifySignature(payloadOf(extrinsic.publicKey, bodyOf(extrinsic), context), extrinsic.signature, extrinsic.signer);

function bodyOf({ call, nonce, bornAt, period }: Draft): Uint8Array {
  const writer = new ByteWriter().uint(nonce, 4).uint(bornAt, 4).uint(period, 1);
  writeCall(writer, call);
  return writer.done();
}

const payloadOf = (publicKey: Uint8Array, body: Uint8Array, { genesisHash, specVersion, birthHash }: SigningContext): Uint8Array =>
  new ByteWriter()
    .raw(TAG)
    .raw(hexToBytes(genesisHash.slice(2)))
    .uint(specVersion, 4)
    .raw(hexToBytes(birthHash.slice(2)))
    .raw(publicKey)
    .raw(body)
    .done();
