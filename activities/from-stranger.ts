import { BadSubmission, StoreUnavailable } from '../genki/errors.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';

/**
 * What somebody else's bucket gives. One that does not answer, twice, while the store does is its owner's fault: a bucket that
 * lets nobody in is not to hold up everybody.
 * @param known an object that everybody needs and can read
 * @throws {BadSubmission} when it is the bucket alone
 * @throws {StoreUnavailable} when it is the store
 */
export async function fromStranger<T>(store: ObjectStore, known: ObjectRef, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    await store.head(known.bucket, known.key);
  }
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    // what the store said names our access key
    throw new BadSubmission('Expected a bucket that can be read, got one that does not answer', { cause: error });
  }
}
