import { createCipheriv, createDecipheriv } from 'node:crypto';
import { bls12_381 as bls } from '@noble/curves/bls12-381.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';

/**
 * Timelock encryption to a round of a drand-style beacon (Gailly, Melissaris, Romailler 2023), byte for byte as
 * `tle::tlock` of ideal-lab5 writes it and subtensor opens it: BLS12-381 with signatures in G1 and the public key in
 * G2, as drand's quicknet has it. A vector is its length as u64 LE and its bytes; a ciphertext is
 *
 *     U (G2, compressed) | vec(V) | vec(W) | vec(body) | vec("AES_GCM_"),   body = vec(AES-256-GCM with tag) | vec(nonce)
 *
 * with a random key and σ, r = sha256(σ ‖ key) mod the group's order, U = r·P₂, V = σ ⊕ sha256(e(Q, pk)ʳ),
 * W = key ⊕ sha256(σ), Q = hash-to-curve(sha256(round u64 BE)).
 */

const G1 = bls.G1.Point;
const G2 = bls.G2.Point;
const { Fr } = bls.fields;
type G1Point = ReturnType<typeof G1.fromBytes>;
type G2Point = ReturnType<typeof G2.fromBytes>;
type Gt = ReturnType<typeof bls.pairing>;

const HASH_TO_G1 = { DST: 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_' };
const CIPHER = 'aes-256-gcm';
const CIPHER_SUITE = new TextEncoder().encode('AES_GCM_');
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const U_BYTES = 96;

/**
 * A ciphertext that the round's pulse opens.
 *
 * @param lock the beacon's public key (G2, 96 bytes, hex) and the round
 * @param seed random and secret, 32 bytes or more; key, σ and nonce come from it, the lock and the message
 */
export function timelock(message: Uint8Array, { publicKey, round }: { readonly publicKey: string; readonly round: number }, seed: Uint8Array): Uint8Array {
  const derive = (purpose: string): Uint8Array => blake2b(concatBytes(utf8(`genki timelock ${purpose}`), seed, hexToBytes(publicKey), bigEndian(round), message), { dkLen: 32 });
  const key = derive('key');
  const sigma = derive('sigma');
  const nonce = derive('nonce').slice(0, NONCE_BYTES);
  const r = blindingOf(sigma, key);
  const shared = bls.pairing(roundPoint(round).multiply(r), G2.fromHex(publicKey));
  const cipher = createCipheriv(CIPHER, key, nonce);
  const sealed = concatBytes(cipher.update(message), cipher.final(), cipher.getAuthTag());
  const body = concatBytes(vector(sealed), vector(nonce));
  return concatBytes(G2.BASE.multiply(r).toBytes(), vector(xor(sigma, hashOf(shared))), vector(xor(key, sha256(sigma))), vector(body), vector(CIPHER_SUITE));
}

/** The message behind a ciphertext; undefined when it is malformed, was changed, or belongs to another pulse. */
export function openTimelock(ciphertext: Uint8Array, pulse: string): Uint8Array | undefined {
  try {
    return opened(parse(ciphertext), G1.fromHex(pulse));
  } catch {
    // curve points, lengths and the tag each fail in their own library's way, and all mean the same
    return undefined;
  }
}

/** A beacon's public key (G2, 96 bytes, hex), from a secret. */
export const beaconPublicKey = (secret: Uint8Array): string => G2.BASE.multiply(scalarOf(secret)).toHex();

/** The beacon's signature of a round (G1, 48 bytes, hex): its owner alone can make it, and everybody can check it. */
export const beaconPulse = (secret: Uint8Array, round: number): string => roundPoint(round).multiply(scalarOf(secret)).toHex();

/** True for the one signature of a round under a beacon's public key; false for anything malformed. */
export function isPulseOf(publicKey: string, round: number, pulse: string): boolean {
  try {
    const product = bls.pairingBatch([
      { g1: G1.fromHex(pulse), g2: G2.BASE },
      { g1: roundPoint(round).negate(), g2: G2.fromHex(publicKey) },
    ]);
    return bls.fields.Fp12.eql(product, bls.fields.Fp12.ONE);
  } catch {
    return false;
  }
}

/** True for a point that a beacon's public key can be. */
export function isBeaconKey(publicKey: string): boolean {
  try {
    return !G2.fromHex(publicKey).is0();
  } catch {
    return false;
  }
}

type Ciphertext = { readonly u: G2Point; readonly v: Uint8Array; readonly w: Uint8Array; readonly sealed: Uint8Array; readonly nonce: Uint8Array };

function parse(bytes: Uint8Array): Ciphertext {
  const outer = new Vectors(bytes.slice(U_BYTES));
  const [v, w, body] = [outer.next(), outer.next(), outer.next()];
  outer.next();
  const inner = new Vectors(body);
  return { u: G2.fromBytes(bytes.slice(0, U_BYTES)), v, w, sealed: inner.next(), nonce: inner.next() };
}

function opened({ u, v, w, sealed, nonce }: Ciphertext, pulse: G1Point): Uint8Array {
  const sigma = xor(v, hashOf(bls.pairing(pulse, u)));
  const key = xor(w, sha256(sigma));
  if (!G2.BASE.multiply(blindingOf(sigma, key)).equals(u)) throw new RangeError('Expected the pulse of the round that it was encrypted to');
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) throw new RangeError(`Expected a nonce and a tag of ${NONCE_BYTES} and ${TAG_BYTES} bytes`);
  const decipher = createDecipheriv(CIPHER, key, nonce).setAuthTag(sealed.subarray(-TAG_BYTES));
  return new Uint8Array(concatBytes(decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()));
}

const roundPoint = (round: number): G1Point => bls.G1.hashToCurve(sha256(bigEndian(round)), HASH_TO_G1);

const blindingOf = (sigma: Uint8Array, key: Uint8Array): bigint => Fr.create(BigInt(`0x${bytesToHex(sha256(concatBytes(sigma, key)))}`));

/** 64 bytes taken modulo the order leave no bias. */
const scalarOf = (secret: Uint8Array): bigint => Fr.create(BigInt(`0x${bytesToHex(blake2b(concatBytes(utf8('genki beacon'), secret), { dkLen: 64 }))}`));

/** Over twelve field elements, little-endian, in the tower's order. */
const hashOf = ({ c0, c1 }: Gt): Uint8Array =>
  sha256(concatBytes(...[c0, c1].flatMap((six) => [six.c0, six.c1, six.c2]).flatMap((two) => [two.c0, two.c1]).map((element) => littleEndian(element, 48))));

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length !== b.length) throw new RangeError(`Expected ${b.length} bytes, got ${a.length}`);
  return a.map((byte, i) => byte ^ b[i]!);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const vector = (bytes: Uint8Array): Uint8Array => concatBytes(littleEndian(BigInt(bytes.length), 8), bytes);

const littleEndian = (value: bigint, width: number): Uint8Array => Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

const bigEndian = (round: number): Uint8Array => littleEndian(BigInt(round), 8).reverse();

/** Reads vectors one after the other. */
class Vectors {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): Uint8Array {
    const start = this.#at + 8;
    if (start > this.#bytes.length) throw new RangeError('Expected a vector');
    const length = Number(new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at).getBigUint64(0, true));
    if (length > this.#bytes.length - start) throw new RangeError(`Expected ${length} bytes, got ${this.#bytes.length - start}`);
    this.#at = start + length;
    return this.#bytes.slice(start, this.#at);
  }
}
