import { ApplicationFailure } from '@temporalio/activity';
import type { Chain } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { BadSubmission, ObjectMissing } from '../genki/errors.ts';
import { keyFileOf, MAX_KEY_FILE_BYTES, openKeyFile } from '../genki/protocol/sealing.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';

/** Which sealed file's key, in whose bucket, and the block by which it has to be there. */
export type AwaitedKey = { readonly bucket: string; readonly commit: string; readonly hotkey: string; readonly deadline: number };

/**
 * The key to what is sealed (protocol §1.6a). It is waited for until a deadline in finalized blocks; what was not there
 * then is never looked for again.
 *
 * 1. The head is read before the store: whoever finds nothing has looked after the deadline that it judges by.
 * 2. A key that is out by the deadline is found by every validator. Two may differ on one that comes later: between their
 *    last looks, which lie apart by what their heads differ in, one block's wait and the store's lag; or because one of
 *    them first looked after it came. The chain does not know when a key came, and its owner, who could as well serve one
 *    validator and not another, risks nothing but its own score: weight that no majority gives is clipped by the consensus.
 *
 * @throws {BadSubmission} when it came too late, or is another one
 * @throws {ApplicationFailure} `KeyNotPublished`, while it is waited for
 */
export async function publishedKey({ chain, store, blockMs }: { readonly chain: Chain; readonly store: ObjectStore; readonly blockMs: number }, { bucket, commit, hotkey, deadline }: AwaitedKey): Promise<Uint8Array> {
  const head = await chain.head();
  const file = await store.getByKey(bucket, keyFileOf(commit), { maxBytes: MAX_KEY_FILE_BYTES }).catch(unlessMissing);
  if (file) return openKeyFile(file, { hotkey, manifest: commit }, verifySignature);
  if (head.number >= deadline) throw new BadSubmission(`Expected the key ${bucket}/${keyFileOf(commit)} by block ${deadline}, got none`);
  throw ApplicationFailure.create({ message: `The key ${bucket}/${keyFileOf(commit)} is not there yet, it has until block ${deadline}, the head is ${head.number}`, type: 'KeyNotPublished', nextRetryDelay: blockMs, category: 'BENIGN' });
}

function unlessMissing(error: unknown): undefined {
  if (!(error instanceof ObjectMissing)) throw error;
}
