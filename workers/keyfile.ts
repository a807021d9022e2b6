/**
 * The key files of Bittensor's wallets: JSON, in plain or in one of three boxes, all made with a password:
 *
 *     $NACL           nonce, 24 bytes | xsalsa20-poly1305(JSON), key = argon2i 1.3 over a salt that never changes
 *     $ANSIBLE_VAULT  hex(hex(salt) \n hex(HMAC-SHA256) \n hex(AES-256-CTR(padded JSON))), keys = PBKDF2-SHA256
 *     gAAAAA          Fernet: base64url(0x80 | time, 8 | IV, 16 | AES-128-CBC(padded JSON) | HMAC-SHA256), key = PBKDF2-SHA256
 *
 * (btwallet `keyfile.py` and `keyfile.rs`; Ansible's `VaultAES256`; the specification of Fernet.)
 */
import { createDecipheriv, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { naclDecrypt } from '@polkadot/util-crypto/nacl';
import { argon2i } from 'hash-wasm';
import * as z from 'zod';
import { parseJson } from '../activities/parse-json.ts';
import { isHotkey } from '../genki/chain/keys.ts';
import { InvalidInput } from '../genki/errors.ts';
import { Key } from './keystore.ts';
import type { Passphrase } from './passphrase.ts';

const derive = promisify(pbkdf2);

const NACL_SALT = Buffer.from('137183dff15a09bc9c90b5518739e9b1', 'hex');
/** libsodium's OPSLIMIT_SENSITIVE and MEMLIMIT_SENSITIVE of argon2i: half a GiB, some seconds. */
const ARGON2I = { iterations: 8, memorySize: 524_288, parallelism: 1 } as const;
const ANSIBLE_ITERATIONS = 10_000;
const FERNET_SALT = 'Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins';
const FERNET_ITERATIONS = 10_000_000;
const SR25519 = 1;

const Hex = (bytes: number) => z.string().regex(new RegExp(`^(0x)?[0-9a-f]{${2 * bytes}}$`, 'i'), `expected ${bytes} bytes in hex`).nullish();

/** Newer wallets write more into it, so unknown keys are no error. */
const Keyfile = z.object({
  ss58Address: z.string().refine(isHotkey, 'expected an SS58 address with prefix 42'),
  secretPhrase: z.string().max(1024).nullish(),
  secretSeed: Hex(32),
  privateKey: Hex(64),
  cryptoType: z.literal(SR25519, 'expected a key of sr25519').nullish(),
});

type Box = (bytes: Buffer, password: string) => Promise<Buffer | undefined>;

const BOXES: readonly (readonly [string, Box])[] = [
  ['$NACL', openNacl],
  ['$ANSIBLE_VAULT', openAnsible],
  ['gAAAAA', openFernet],
];

/** Whether some bytes begin as a key file in a box does. */
export const isBoxed = (bytes: Uint8Array): boolean => boxOf(bytes) !== undefined;

/** Whether some text is a key file in plain; one of an address alone is none. */
export const isPlainKeyfile = (text: string): boolean => {
  const json = parseJson(text);
  return typeof json === 'object' && json !== null && ['secretPhrase', 'secretSeed', 'privateKey'].some((name) => Object.hasOwn(json, name));
};

/**
 * The key of a file in a box.
 * @throws {InvalidInput} when the passphrase is another one's, or the file is damaged; never with what is in it
 */
export async function openKeyfile(bytes: Uint8Array, passphrase: Passphrase): Promise<Key> {
  const open = boxOf(bytes);
  if (!open) throw new InvalidInput('Expected a key file that begins with $NACL, $ANSIBLE_VAULT or gAAAAA');
  const json = await passphrase.use((password) => open(Buffer.from(bytes), password));
  if (!json) throw new InvalidInput(`Expected a whole key file and the passphrase that it was locked with, got another one in ${passphrase.from}, or a file that was changed`);
  return keyOf(json.toString('utf8'));
}

/**
 * The key of a file in plain.
 * @throws {InvalidInput} when it has no secret, or one of another address; never with what is in it
 */
export function keyOf(text: string): Key {
  const parsed = Keyfile.safeParse(parseJson(text));
  if (!parsed.success) throw new InvalidInput(`Expected a key file of Bittensor: \n${z.prettifyError(parsed.error)}`);
  const { ss58Address, secretPhrase, secretSeed, privateKey } = parsed.data;
  const secret = secretPhrase || secretSeed;
  if (secret) return ofAddress(Key.from(secret), ss58Address);
  if (!privateKey) throw new InvalidInput(`Expected a key file with a secret, got the address ${ss58Address} alone`);
  return Key.fromScalar(Buffer.from(privateKey.replace(/^0x/, ''), 'hex'), ss58Address);
}

function ofAddress(key: Key, address: string): Key {
  if (key.hotkey !== address) throw new InvalidInput(`Expected the key of ${address}, got that of ${key.hotkey}`);
  return key;
}

const boxOf = (bytes: Uint8Array): Box | undefined => BOXES.find(([prefix]) => Buffer.from(bytes.subarray(0, prefix.length)).toString('latin1') === prefix)?.[1];

async function openNacl(bytes: Buffer, password: string): Promise<Buffer | undefined> {
  const [nonce, boxed] = [bytes.subarray(5, 29), bytes.subarray(29)];
  if (boxed.length === 0 || password === '') return undefined;
  const key = await argon2i({ password, salt: NACL_SALT, ...ARGON2I, hashLength: 32, outputType: 'binary' });
  const opened = naclDecrypt(boxed, nonce, key);
  return opened ? Buffer.from(opened) : undefined;
}

async function openAnsible(bytes: Buffer, password: string): Promise<Buffer | undefined> {
  const [header, ...lines] = bytes.toString('latin1').split(/\r?\n/);
  if (!/^\$ANSIBLE_VAULT;1\.[12];AES256(;.*)?$/.test(header!)) throw new InvalidInput('Expected a vault of version 1.1 or 1.2 with AES256');
  const [salt, mac, encrypted] = Buffer.from(lines.join(''), 'hex').toString('latin1').split('\n').map((part) => Buffer.from(part, 'hex'));
  if (!salt || !mac || !encrypted) return undefined;
  const keys = await derive(password, salt, ANSIBLE_ITERATIONS, 80, 'sha256');
  if (!isSame(mac, createHmac('sha256', keys.subarray(32, 64)).update(encrypted).digest())) return undefined;
  // its padding is its own: always there, as PKCS #7's
  const decipher = createDecipheriv('aes-256-ctr', keys.subarray(0, 32), keys.subarray(64));
  const padded = Buffer.concat([decipher.update(encrypted), decipher.final()]);
  return padded.subarray(0, padded.length - (padded.at(-1) ?? 0));
}

async function openFernet(bytes: Buffer, password: string): Promise<Buffer | undefined> {
  const token = Buffer.from(bytes.toString('latin1').trim(), 'base64url');
  const [head, mac] = [token.subarray(0, -32), token.subarray(-32)];
  if (head.length < 1 + 8 + 16 + 16) return undefined;
  const keys = await derive(password, FERNET_SALT, FERNET_ITERATIONS, 32, 'sha256');
  if (!isSame(mac, createHmac('sha256', keys.subarray(0, 16)).update(head).digest())) return undefined;
  const decipher = createDecipheriv('aes-128-cbc', keys.subarray(16), head.subarray(9, 25));
  return Buffer.concat([decipher.update(head.subarray(25)), decipher.final()]);
}

const isSame = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);
