const BUCKETS = 64;

/** An immutable map from text: `set` returns a new map that shares all but one of 64 buckets with the old one. */
export class PersistentMap<V> {
  readonly #buckets: readonly ReadonlyMap<string, V>[];

  constructor(buckets: readonly ReadonlyMap<string, V>[] = Array.from({ length: BUCKETS }, () => new Map<string, V>())) {
    this.#buckets = buckets;
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]!.get(key);
  }

  set(key: string, value: V): PersistentMap<V> {
    const at = bucketOf(key);
    return new PersistentMap(this.#buckets.with(at, new Map(this.#buckets[at]!).set(key, value)));
  }
}

function bucketOf(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash >>> 0) % BUCKETS;
}
