import { DiskCache } from './disk-cache.ts';
import type { GetOptions, ObjectRef, ObjectStore } from './object-store.ts';

export type CacheOptions = {
  /** Entries lie here, for all processes of this machine that are given the same folder. */
  readonly folder: string;
  /** Of all entries together. */
  readonly maxBytes: number;
};

/**
 * A store that keeps on the disk what was read by reference, so that the bytes travel once. Whether an object is there is
 * still asked of the store at each read: what is missing is missing for everybody alike, whoever has read it before.
 */
export function createCachedStore(store: ObjectStore, { folder, maxBytes }: CacheOptions): ObjectStore {
  const cache = new DiskCache(folder, maxBytes);
  const isCached = async (ref: ObjectRef, options: GetOptions): Promise<boolean> =>
    ref.bytes <= options.maxBytes && (await cache.has(ref)) && (await store.head(ref.bucket, ref.key, options))?.bytes === ref.bytes;

  return {
    ...store,

    async get(ref, options) {
      const cached = (await isCached(ref, options)) ? await cache.read(ref) : undefined;
      if (cached) return cached;
      const body = await store.get(ref, options);
      await cache.keep(ref, (entry) => entry.writeFile(body));
      return body;
    },

    async getFile(ref, path, options) {
      if ((await isCached(ref, options)) && (await cache.save(ref, path, options))) return;
      await store.getFile(ref, path, options);
      await cache.keepFile(ref, path);
    },
  };
}
