import type { ObjectStore } from '../../genki/store/object-store.ts';

/** The bucket that a second look at a round writes to. */
export const OWN_BUCKET = 'second-look';

/** A store in which everything can be read and nothing but the own bucket be written, which lies elsewhere. */
export function createOverlayStore(store: ObjectStore, own: ObjectStore): ObjectStore {
  const of = (bucket: string): ObjectStore => (bucket === OWN_BUCKET ? own : store);
  const writable = (bucket: string): ObjectStore => {
    if (bucket !== OWN_BUCKET) throw new RangeError(`Expected to write to the bucket ${OWN_BUCKET} alone, got ${bucket}`);
    return own;
  };
  return {
    putOnce: async (bucket, ...rest) => await writable(bucket).putOnce(bucket, ...rest),
    putFile: async (bucket, ...rest) => await writable(bucket).putFile(bucket, ...rest),
    delete: async (bucket, ...rest) => await writable(bucket).delete(bucket, ...rest),
    createBucket: async (bucket, ...rest) => await writable(bucket).createBucket(bucket, ...rest),
    get: (ref, options) => of(ref.bucket).get(ref, options),
    getByKey: (bucket, ...rest) => of(bucket).getByKey(bucket, ...rest),
    getFile: (ref, ...rest) => of(ref.bucket).getFile(ref, ...rest),
    getRange: (bucket, ...rest) => of(bucket).getRange(bucket, ...rest),
    head: (bucket, ...rest) => of(bucket).head(bucket, ...rest),
    list: (bucket, ...rest) => of(bucket).list(bucket, ...rest),
  };
}
