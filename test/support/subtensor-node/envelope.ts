import { blake2b } from '@noble/hashes/blake2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { sr25519Verify } from '@polkadot/util-crypto/sr25519';
import { ByteWriter } from '../../../genki/chain/local/byte-codec.ts';
import { blake2Hash, encodeHotkey } from '../../../genki/chain/keys.ts';
import { ScaleBytes } from './scale-bytes.ts';
import { fromHex } from './wire-runtime.ts';

/** Of a mortal extrinsic: it may enter any block n with birth(n) equal to the birth that it was signed for. */
export type Era = { readonly period: number; readonly phase: number };

/** A signed extrinsic of version 4, with its call still in SCALE. */
export type Envelope = {
  /** 0x and all bytes, the length in front. */
  readonly hex: string;
  readonly hash: string;
  readonly signer: string;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly era: Era | null;
  readonly nonce: number;
  readonly tip: bigint;
  /** Era, nonce, tip and the mode of the metadata check, as they stand in the bytes. */
  readonly extra: Uint8Array;
  readonly call: Uint8Array;
};

const SIGNED_V4 = 0x84;
const ADDRESS_ID = 0;
const SR25519 = 1;
const METADATA_CHECK_OFF = 0;

/**
 * The envelope of an extrinsic, by the transaction extensions of 424: of those only the era, the nonce, the tip and the
 * mode of the metadata check have bytes, in this order.
 *
 * @throws {RangeError} on what is no signed extrinsic of an account by sr25519
 */
export function readEnvelope(hex: string): Envelope {
  const bytes = fromHex(hex);
  const reader = new ScaleBytes(bytes);
  reader.compact();
  expected(reader, SIGNED_V4, 'version');
  expected(reader, ADDRESS_ID, 'address');
  const publicKey = reader.take(32);
  expected(reader, SR25519, 'signature');
  const signature = reader.take(64);
  const extraStart = bytes.length - reader.left;
  const era = readEra(reader);
  const [nonce, tip] = [Number(reader.compact()), reader.compact()];
  expected(reader, METADATA_CHECK_OFF, 'mode of the metadata check');
  const callStart = bytes.length - reader.left;
  const signed = { hex, hash: blake2Hash(bytes), signer: encodeHotkey(publicKey), publicKey, signature };
  return { ...signed, era, nonce, tip, extra: bytes.slice(extraStart, callStart), call: bytes.slice(callStart) };
}

/** True when the bytes are as many as they say in front. */
export function isFramed(hex: string): boolean {
  try {
    const reader = new ScaleBytes(fromHex(hex));
    return Number(reader.compact()) === reader.left;
  } catch {
    return false;
  }
}

/** The block that an era which is looked at in block `current` began with. */
export const birthOf = ({ period, phase }: Era, current: number): number => Math.floor((Math.max(current, phase) - phase) / period) * period + phase;

/** What a signature covers beside the extrinsic's own bytes. */
export type Signed = { readonly specVersion: number; readonly transactionVersion: number; readonly genesisHash: string; /** of the birth; the genesis for an immortal one */ readonly birthHash: string };

/** True when the signature is the signer's, over the call, the extensions and the chain's side of them; more than 256 bytes are hashed first. */
export function isSignedFor({ call, extra, signature, publicKey }: Envelope, { specVersion, transactionVersion, genesisHash, birthHash }: Signed): boolean {
  const versions = new ByteWriter().uint(specVersion, 4).uint(transactionVersion, 4).done();
  const noMetadataHash = Uint8Array.of(0);
  const payload = concatBytes(call, extra, versions, fromHex(genesisHash), fromHex(birthHash), noMetadataHash);
  return sr25519Verify(payload.length > 256 ? blake2b(payload, { dkLen: 32 }) : payload, signature, publicKey);
}

function readEra(reader: ScaleBytes): Era | null {
  const first = reader.byte();
  if (first === 0) return null;
  const encoded = first + 256 * reader.byte();
  const period = 2 << (encoded % 16);
  const phase = (encoded >> 4) * Math.max(period >> 12, 1);
  if (period < 4 || phase >= period) throw new RangeError(`Expected an era, got a period of ${period} and a phase of ${phase}`);
  return { period, phase };
}

function expected(reader: ScaleBytes, byte: number, what: string): void {
  const found = reader.byte();
  if (found !== byte) throw new RangeError(`Expected ${byte} as the ${what} of an extrinsic, got ${found}`);
}
