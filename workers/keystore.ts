/**
 * The JSON keystore that Polkadot's and Bittensor's tools read and write, version 3:
 *
 *     encoded = base64(salt | N | p | r | nonce | xsalsa20-poly1305(pkcs8))
 *     pkcs8   = header | secret key, 64 bytes | divider | public key, 32 bytes
 *
 * (`pairToJson` and `encodePair` of @polkadot/keyring, `jsonEncrypt` of @polkadot/util-crypto.) The key of the box is
 * the first half of scrypt. The phrase that a key came from cannot be computed from it; where it is known, it lies in a
 * second box of the same form, `meta.suri`, which other tools leave alone.
 */
import { decodeAddress } from '@polkadot/util-crypto/address';
import { mnemonicGenerate, mnemonicToMiniSecret, mnemonicValidate } from '@polkadot/util-crypto/mnemonic';
import { naclDecrypt, naclEncrypt } from '@polkadot/util-crypto/nacl';
import { sr25519PairFromSeed, sr25519Sign } from '@polkadot/util-crypto/sr25519';
import * as z from 'zod';
import type { Signer } from '../genki/chain/chain.ts';
import { decodeHotkey, encodeHotkey, verifySignature } from '../genki/chain/keys.ts';
import { isSeed } from '../genki/chain/looks-secret.ts';
import { InvalidInput } from '../genki/errors.ts';
import { SCRYPT_HEADER_BYTES, type Passphrase } from './passphrase.ts';

/** Other tools write more into it, so unknown keys are no error. */
export const Keystore = z.object({
  address: z.string().min(1).max(64),
  encoded: z.base64().max(1024),
  encoding: z.object({ content: z.tuple([z.literal('pkcs8'), z.literal('sr25519')]), type: z.tuple([z.literal('scrypt'), z.literal('xsalsa20-poly1305')]), version: z.literal('3') }),
  meta: z.object({ name: z.string().max(256).optional(), suri: z.base64().max(1024).optional() }).optional(),
});
export type Keystore = z.infer<typeof Keystore>;

const HEADER = Uint8Array.of(48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32);
const DIVIDER = Uint8Array.of(161, 35, 3, 33, 0);
const SECRET_BYTES = 64;
const PUBLIC_BYTES = 32;
const NONCE_BYTES = 24;

type Pair = { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };

/** An sr25519 key that signs and keeps its secret to itself: neither its text nor its JSON has it. */
export class Key implements Signer {
  readonly hotkey: string;
  readonly #pair: Pair;
  readonly #suri: string | undefined;

  private constructor(pair: Pair, suri: string | undefined) {
    this.hotkey = encodeHotkey(pair.publicKey);
    this.#pair = pair;
    this.#suri = suri;
  }

  /** A new key, from a new phrase. */
  static random(words: 12 | 24): Key {
    return Key.from(mnemonicGenerate(words));
  }

  /**
   * The key of an English mnemonic (BIP39, as Substrate derives it) or of a seed of 32 bytes in hex.
   * @throws {InvalidInput} on anything else, without repeating it
   */
  static from(secret: string): Key {
    const text = secret.trim().toLowerCase();
    if (isSeed(text)) {
      const seed = text.replace(/^0x/, '');
      return new Key(sr25519PairFromSeed(Buffer.from(seed, 'hex')), `0x${seed}`);
    }
    const phrase = text.split(/\s+/).join(' ');
    if (!mnemonicValidate(phrase)) throw new InvalidInput('Expected a mnemonic of 12 to 24 English words that belong together, or a seed of 64 hex digits');
    return new Key(sr25519PairFromSeed(mnemonicToMiniSecret(phrase)), phrase);
  }

  /**
   * The key of a secret scalar and its nonce, 32 bytes each, as Bittensor writes it where it knows no phrase.
   * @throws {InvalidInput} when it is not that of the address
   */
  static fromScalar(secret: Uint8Array, address: string): Key {
    // sr25519 as signed with here holds eight times the scalar, the form that ed25519 expands a seed to
    const scalar = secret.subarray(0, 32).reduceRight((rest, byte) => (rest << 8n) | BigInt(byte), 0n) << 3n;
    const secretKey = Uint8Array.from({ length: SECRET_BYTES }, (_, i) => (i < 32 ? Number((scalar >> BigInt(8 * i)) & 0xffn) : secret[i]!));
    const key = new Key({ publicKey: decodeHotkey(address), secretKey }, undefined);
    const probe = new TextEncoder().encode('genki');
    if (!verifySignature(probe, key.sign(probe), address)) throw new InvalidInput(`Expected the key of ${address}, got another one's`);
    return key;
  }

  /** @throws {InvalidInput} when the passphrase is another one's, or the key is not that of the address */
  static async unlock(keystore: Keystore, passphrase: Passphrase): Promise<Key> {
    const pair = parsePair(await unbox(keystore.encoded, passphrase));
    const suri = keystore.meta?.suri;
    // another tool may have changed the passphrase of the key alone
    const known = suri === undefined ? undefined : await unbox(suri, passphrase).then((bytes) => Buffer.from(bytes).toString(), () => undefined);
    const key = new Key(pair, known);
    if (key.hotkey !== addressOf(keystore)) throw new InvalidInput(`Expected the key of ${keystore.address}, got that of ${key.hotkey}`);
    return key;
  }

  async lock(passphrase: Passphrase, name: string): Promise<Keystore> {
    const { publicKey, secretKey } = this.#pair;
    const encoded = await box(Buffer.concat([HEADER, secretKey, DIVIDER, publicKey]), passphrase);
    const suri = this.#suri === undefined ? undefined : await box(Buffer.from(this.#suri), passphrase);
    return { encoded, encoding: { content: ['pkcs8', 'sr25519'], type: ['scrypt', 'xsalsa20-poly1305'], version: '3' }, address: this.hotkey, meta: { name, ...(suri !== undefined && { suri }) } };
  }

  readonly sign = (message: Uint8Array): Uint8Array => sr25519Sign(message, this.#pair);

  /** The mnemonic or the seed that it came from; undefined where only the key itself is known. */
  reveal(): string | undefined {
    return this.#suri;
  }
}

/** The hotkey of a keystore, which is no secret; undefined when its address is none. */
export function addressOf({ address }: Keystore): string | undefined {
  try {
    // of whatever network: the same key has an address on each
    return encodeHotkey(decodeAddress(address));
  } catch {
    return undefined;
  }
}

async function box(bytes: Uint8Array, passphrase: Passphrase): Promise<string> {
  const { header, key } = await passphrase.lockingKey();
  const { encrypted, nonce } = naclEncrypt(bytes, key);
  return Buffer.concat([header, nonce, encrypted]).toString('base64');
}

async function unbox(encoded: string, passphrase: Passphrase): Promise<Uint8Array> {
  const bytes = Buffer.from(encoded, 'base64');
  const key = await passphrase.keyOf(bytes);
  const boxed = bytes.subarray(SCRYPT_HEADER_BYTES);
  if (boxed.length <= NONCE_BYTES) throw new InvalidInput('Expected a locked key, got less');
  const opened = naclDecrypt(boxed.subarray(NONCE_BYTES), boxed.subarray(0, NONCE_BYTES), key);
  if (!opened) throw new InvalidInput(`Expected the passphrase that it was locked with, got another one in ${passphrase.from}`);
  return opened;
}

function parsePair(pkcs8: Uint8Array): Pair {
  const [secretAt, publicAt] = [HEADER.length, HEADER.length + SECRET_BYTES + DIVIDER.length];
  const isWhole = pkcs8.length === publicAt + PUBLIC_BYTES && !Buffer.compare(pkcs8.subarray(0, secretAt), HEADER) && !Buffer.compare(pkcs8.subarray(secretAt + SECRET_BYTES, publicAt), DIVIDER);
  if (!isWhole) throw new InvalidInput('Expected a key in the form of version 3');
  return { secretKey: pkcs8.slice(secretAt, secretAt + SECRET_BYTES), publicKey: pkcs8.slice(publicAt) };
}
