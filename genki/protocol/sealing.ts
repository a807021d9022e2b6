import { createCipheriv, createDecipheriv } from 'node:crypto';
import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../errors.ts';
import { canonicalJson } from './canonical-json.ts';
import { sha256Hex } from './digests.ts';
import { openSignedJson, signJson, type VerifySignature } from './signed-json.ts';

/**
 * Sealed files: anybody can fetch one, nobody can read it before its key is public (protocol §1.6a).
 *
 * 1. The file: 8 bytes `GENKSEAL`, 1 byte version, 12 bytes nonce, the ciphertext, 16 bytes tag; 37 bytes longer than its
 *    content. The cipher is AES-256-GCM.
 * 2. The secret: 32 bytes of key, 12 of nonce, random, drawn once for one content and used for no other.
 * 3. The associated data name the owner, the competition and the content: `genki-sealed-v1:` and canonical JSON of
 *    {bytes, competition, hotkey, sha256}. So a ciphertext that somebody else copies, and commits even before its owner
 *    does, stays shut when the key is out.
 * 4. What the content is decides the digest that the manifest names, not the tag: two keys can be made to open one ciphertext.
 * 5. The key's file, published once the commit is final: `manifests/<commit>.key.json` beside the manifest
 *    `manifests/<commit>.json`, signed by the hotkey, {key, manifest, version}.
 */
const MAGIC = Buffer.from('GENKSEAL');
const VERSION = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = MAGIC.byteLength + 1 + NONCE_BYTES;
const KEY_DOMAIN = 'genki-key-v1:';

/** Key and nonce. */
export const SECRET_BYTES = KEY_BYTES + NONCE_BYTES;
/** How much longer a sealed file is than its content. */
export const SEAL_BYTES = HEADER_BYTES + TAG_BYTES;
/** More than any key's file has. */
export const MAX_KEY_FILE_BYTES = 1024;

/** What a file holds once its seal is opened. */
export type Content = { readonly sha256: string; readonly bytes: number };
/** Whose a sealed file is, and in which competition (its digest). */
export type Owner = { readonly hotkey: Hotkey; readonly competition: string };

export const contentOf = (content: Uint8Array): Content => ({ sha256: sha256Hex(content), bytes: content.byteLength });

/**
 * The sealed file of a content; the same secret gives the same bytes.
 * @param secret 44 bytes that have sealed nothing else
 * @throws {InvalidInput} when the secret has another length
 */
export function seal(content: Uint8Array, secret: Uint8Array, owner: Owner): Uint8Array {
  const nonce = secret.subarray(KEY_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret), nonce, { authTagLength: TAG_BYTES }).setAAD(associatedData(owner, contentOf(content)));
  return Buffer.concat([MAGIC, Buffer.of(VERSION), nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/**
 * The content of a sealed file from outside.
 * @param expected whose it is, and which content its manifest names
 * @throws {BadSubmission} when it is not a sealed file of that owner and content, or the key is another
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function unseal(file: Uint8Array, key: Uint8Array, { content, ...owner }: Owner & { readonly content: Content }): Uint8Array {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) throw new BadSubmission(`Expected a sealed file, got ${bytes.byteLength} other bytes`);
  const version = bytes[MAGIC.byteLength];
  if (version !== undefined && version > VERSION) throw new NewerSchema(`Expected a sealed file of version ${VERSION}, got ${version}`);
  if (version !== VERSION) throw new BadSubmission(`Expected a sealed file of version ${VERSION}, got ${version}`);
  if (bytes.byteLength !== content.bytes + SEAL_BYTES) throw new BadSubmission(`Expected a sealed file of ${content.bytes + SEAL_BYTES} bytes, got ${bytes.byteLength}`);
  const opened = open(bytes, key, associatedData(owner, content));
  if (!opened) throw new BadSubmission('Expected a sealed file that its key opens for this hotkey, competition and content, it does not');
  const sha256 = sha256Hex(opened);
  if (sha256 !== content.sha256) throw new BadSubmission(`Expected a sealed file to hold the content ${content.sha256}, got ${sha256}`);
  return opened;
}

const KeyBody = z.strictObject({ version: z.literal(VERSION), manifest: z.string().regex(/^[0-9a-f]{40}$/), key: z.string().regex(/^[0-9a-f]{64}$/) });

/** Where the key lies that opens the files of the manifest with this commit. */
export const keyFileOf = (commit: string): string => `manifests/${commit}.key.json`;

/**
 * The key's file for the manifest with this commit. A signature holds randomness, so two calls give two files.
 * @throws {InvalidInput} when the secret has another length
 */
export function signKeyFile({ manifest, secret }: { readonly manifest: string; readonly secret: Uint8Array }, signer: Signer): Uint8Array {
  return signJson(KEY_DOMAIN, { version: VERSION, manifest, key: Buffer.from(keyOf(secret)).toString('hex') }, signer);
}

/**
 * The key in a key's file from outside, 32 bytes.
 * @throws {BadSubmission} when it is not one of that hotkey for that manifest
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function openKeyFile(file: Uint8Array, { hotkey, manifest }: { readonly hotkey: Hotkey; readonly manifest: string }, verify: VerifySignature): Uint8Array {
  const parsed = KeyBody.safeParse(openSignedJson(KEY_DOMAIN, file, { hotkey, version: VERSION }, verify));
  if (!parsed.success) throw new BadSubmission(`Expected a key's file:\n${z.prettifyError(parsed.error)}`);
  if (parsed.data.manifest !== manifest) throw new BadSubmission(`Expected the key of the manifest ${manifest}, got that of ${parsed.data.manifest}`);
  return Buffer.from(parsed.data.key, 'hex');
}

function keyOf(secret: Uint8Array): Uint8Array {
  if (secret.byteLength !== SECRET_BYTES) throw new InvalidInput(`Expected a secret of ${SECRET_BYTES} bytes, got ${secret.byteLength}`);
  return secret.subarray(0, KEY_BYTES);
}

/** undefined when the tag is not that of this key and these data */
function open(file: Buffer, key: Uint8Array, associated: Uint8Array): Buffer | undefined {
  const nonce = file.subarray(HEADER_BYTES - NONCE_BYTES, HEADER_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(associated).setAuthTag(file.subarray(-TAG_BYTES));
  const content = decipher.update(file.subarray(HEADER_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return content;
  } catch {
    return undefined;
  }
}

const associatedData = ({ hotkey, competition }: Owner, { sha256, bytes }: Content): Uint8Array =>
  new TextEncoder().encode(`genki-sealed-v1:${canonicalJson({ bytes, competition, hotkey, sha256 })}`);
