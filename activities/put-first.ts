import { ChecksumMismatch } from '../genki/errors.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';

/** Keeps the body under a key where nothing is yet: of several tries that differ, the first one's stays. */
export async function putFirst(store: ObjectStore, { bucket, key }: { readonly bucket: string; readonly key: string }, body: Uint8Array): Promise<void> {
  try {
    await store.putOnce(bucket, key, body);
  } catch (error) {
    if (!(error instanceof ChecksumMismatch)) throw error;
  }
}
