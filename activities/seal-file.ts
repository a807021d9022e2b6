import { randomBytes } from 'node:crypto';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { contentOf, seal, SECRET_BYTES, type Content, type Owner } from '../genki/protocol/sealing.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { putFirst } from './put-first.ts';

/** A sealed file as it lies in the public bucket, and where the key and nonce are that sealed it. */
export type Sealed = { readonly file: ObjectRef; readonly content: Content; readonly secret: { readonly bucket: string; readonly key: string } };

/** Whose a file is, of which window, where it goes, and what its key begins with. */
export type Sealing = Owner & { readonly window: number; readonly bucket: string; readonly privateBucket: string; readonly folder: string };

/**
 * The file, sealed, under its content-addressed key in the public bucket. Key and nonce are kept in the private one
 * before anything is uploaded, so that whoever does this again makes the same bytes of the same file.
 */
export async function sealFile(store: ObjectStore, body: Uint8Array, { hotkey, competition, window, bucket, privateBucket, folder }: Sealing): Promise<Sealed> {
  const content = contentOf(body);
  const secret = { bucket: privateBucket, key: `secrets/${shortDigest({ competition, hotkey, window, content })}` };
  await putFirst(store, secret, randomBytes(SECRET_BYTES));
  const sealed = seal(body, await store.getByKey(secret.bucket, secret.key, { maxBytes: SECRET_BYTES }), { hotkey, competition });
  return { file: await store.putOnce(bucket, `${folder}/${sha256Hex(sealed)}.sealed`, sealed), content, secret };
}

/** The first 32 hex digits of a value's digest. */
export const shortDigest = (value: unknown): string => sha256Hex(new TextEncoder().encode(canonicalJson(value))).slice(0, 32);
