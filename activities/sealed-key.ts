import type { Signer } from '../genki/chain/chain.ts';
import { keyFileOf, SECRET_BYTES, signKeyFile } from '../genki/protocol/sealing.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { putFirst } from './put-first.ts';

export type SealedKeyDeps = { readonly store: ObjectStore; readonly signer: Signer };
export type SealedKeyActivities = ReturnType<typeof createSealedKeyActivities>;

/** What a hotkey says of the keys of its sealed files, from its private bucket into its private bucket: none is ever an argument or a result. */
export const createSealedKeyActivities = ({ store, signer }: SealedKeyDeps) => ({
  /** Signs the key for the manifest with this commit, once, and keeps the file until it may be published. */
  async signKey({ secret, manifest }: { secret: { bucket: string; key: string }; manifest: string }): Promise<void> {
    const bytes = await store.getByKey(secret.bucket, secret.key, { maxBytes: SECRET_BYTES });
    await putFirst(store, { bucket: secret.bucket, key: keyFileOf(manifest) }, signKeyFile({ manifest, secret: bytes }, signer));
  },
});
