const BUCKETS = 64;

/** An immutable map from text: `set` returns a new map that shares all but one of 64 buckets with the old one. */
export class PersistentMap<V> {
  readonly #buckets: readonly ReadonlyMap<string, V>[];

  constructor(buckets: readonly ReadonlyMap<string, V>[] = Array.from({ length: BUCKETS }, () => new Map<string, V>())) {
    this.#buckets = buckets;
  }

  /** The map of these entries; of equal keys the last one counts. */
  static from<V>(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    const buckets = Array.from({ length: BUCKETS }, () => new Map<string, V>());
    for (const [key, value] of entries) buckets[bucketOf(key)]!.set(key, value);
    return new PersistentMap(buckets);
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]!.get(key);
  }

  set(key: string, value: V): PersistentMap<V> {
    const at = bucketOf(key);
    return new PersistentMap(this.#buckets.with(at, new Map(this.#buckets[at]!).set(key, value)));
  }

  /** All entries by ascending key (in UTF-16 code units), whatever the order they were set in. */
  entries(): [string, V][] {
    return this.#buckets.flatMap((bucket) => [...bucket]).sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

function bucketOf(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash >>> 0) % BUCKETS;
}
