import { blake2b } from '@noble/hashes/blake2.js';
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js';
import type { Registry } from '@polkadot/types/types';
import { InvalidInput } from '../../errors.ts';
import type { Hotkey, SignedExtrinsic, Signer } from '../chain.ts';
import { blake2Hash, decodeHotkey, encodeHotkey, verifySignature } from '../keys.ts';
import { scaleBytes, type ScaleReader } from '../scale.ts';
import type { RuntimeCall } from './call-shape.ts';
import { readCall } from './decode-value.ts';
import { carriedBytes, impliedBytes, readCarried, type Carried, type SigningContext } from './extensions.ts';
import { encodeCall, readAll } from './runtime-call.ts';

/** Version 4, with and without a signature. */
const SIGNED = 0x84;
const BARE = 0x04;
/** `MultiAddress::Id` and `MultiSignature::Sr25519`. */
const ACCOUNT_ID = 0;
const SR25519 = 1;
/** A longer message is hashed before it is signed. */
const MAX_MESSAGE_BYTES = 256;
const MAX_U32 = 0xffffffff;

/**
 * The signed extrinsic of a call, by any metadata: a file's or a live connection's. Nothing is sent.
 *
 *     length ‖ 0x84 ‖ 0 ‖ public key ‖ 1 ‖ signature(call ‖ carried ‖ implied) ‖ carried ‖ call
 *
 * @throws {InvalidInput} for a call that this runtime does not have, or a context that cannot be
 */
export function signCall(registry: Registry, call: RuntimeCall, context: SigningContext, signer: Signer): SignedExtrinsic {
  const { nonce, born, period } = context;
  if (![nonce, born.number].every((x) => Number.isInteger(x) && x >= 0 && x <= MAX_U32)) throw new InvalidInput('Expected nonce and birth block to be u32');
  const callBytes = encodeCall(registry, call);
  const carried = carriedBytes(registry, context);
  const signature = signer.sign(messageOf(callBytes, carried, impliedBytes(registry, context)));
  const bytes = scaleBytes(concatBytes(Uint8Array.of(SIGNED, ACCOUNT_ID), decodeHotkey(signer.hotkey), Uint8Array.of(SR25519), signature, carried, callBytes));
  return { hex: `0x${bytesToHex(bytes)}`, hash: blake2Hash(bytes), signer: signer.hotkey, nonce, bornAt: born.number, diesAt: born.number + period };
}

export type DecodedExtrinsic = {
  readonly hash: string;
  readonly call: RuntimeCall;
  /** null for one that nobody signed, such as the author's own. */
  readonly signed: (Carried & { readonly signer: Hotkey; /** hex */ readonly signature: string }) | null;
};

/**
 * What an extrinsic's bytes say; its signature is not checked.
 *
 * @throws {InvalidInput} unless they are exactly one extrinsic of version 4, bare or signed with sr25519
 */
export function decodeExtrinsic(registry: Registry, bytes: Uint8Array): DecodedExtrinsic {
  return readAll('an extrinsic', bytes, (reader) => {
    const length = reader.length(1);
    if (length !== reader.left) throw new RangeError(`Expected ${length} bytes after the length, got ${reader.left}`);
    const version = Number(reader.uint(1));
    if (version !== SIGNED && version !== BARE) throw new RangeError(`Expected version 4, got ${version & 0x3f}`);
    const signed = version === SIGNED ? readSigned(registry, reader) : null;
    return { hash: blake2Hash(bytes), signed, call: readCall({ registry, reader, depth: 0 }) };
  });
}

/**
 * True when the extrinsic's signer signed it for this chain, runtime and birth block.
 *
 * @param context its nonce and period are the extrinsic's own
 */
export function isSignedFor(registry: Registry, { call, signed }: DecodedExtrinsic, context: Omit<SigningContext, 'nonce' | 'period'>): boolean {
  if (!signed?.era || signed.tip !== '0' || signed.era.phase !== context.born.number % signed.era.period) return false;
  const whole = { ...context, nonce: signed.nonce, period: signed.era.period };
  return verifySignature(messageOf(encodeCall(registry, call), carriedBytes(registry, whole), impliedBytes(registry, whole)), Buffer.from(signed.signature, 'hex'), signed.signer);
}

function readSigned(registry: Registry, reader: ScaleReader): DecodedExtrinsic['signed'] {
  const kind = Number(reader.uint(1));
  if (kind !== ACCOUNT_ID) throw new RangeError(`Expected a signer by its account, got kind ${kind}`);
  const signer = encodeHotkey(reader.raw(32));
  const scheme = Number(reader.uint(1));
  if (scheme !== SR25519) throw new RangeError(`Expected a signature of sr25519, got kind ${scheme}`);
  const signature = bytesToHex(reader.raw(64));
  return { signer, signature, ...readCarried(registry, reader) };
}

function messageOf(call: Uint8Array, carried: Uint8Array, implied: Uint8Array): Uint8Array {
  const message = concatBytes(call, carried, implied);
  return message.length > MAX_MESSAGE_BYTES ? blake2b(message, { dkLen: 32 }) : message;
}
