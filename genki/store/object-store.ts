/** A blob, by what it contains. Every blob travels as one of these. */
export type ObjectRef = {
  readonly bucket: string;
  readonly key: string;
  /** 64 hex */
  readonly sha256: string;
  readonly bytes: number;
};

export type StoreOptions = {
  /** Aborting ends the call at once, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
};

export type GetOptions = StoreOptions & {
  /** More than this is refused while streaming, whatever the reference says. */
  readonly maxBytes: number;
};

/** Bytes from `start` up to `end`, which is not included. */
export type ByteRange = { readonly start: number; readonly end: number };

/** Buckets of immutable objects. */
export interface ObjectStore {
  /**
   * Writes an object that is not there yet. The same bytes again are no error.
   * @throws {ChecksumMismatch} when the key holds other bytes
   */
  putOnce(bucket: string, key: string, body: Uint8Array, options?: StoreOptions): Promise<ObjectRef>;
  /**
   * As `putOnce`, for a file of any size, which is never held whole; carries on with the parts that an interrupted call has sent.
   * @throws {InvalidInput} when there is no such file, or it changes on the way
   */
  putFile(bucket: string, key: string, path: string, options?: StoreOptions): Promise<ObjectRef>;
  /** @throws {ObjectMissing} {TooLarge} {ChecksumMismatch} {StoreUnavailable} */
  get(ref: ObjectRef, options: GetOptions): Promise<Uint8Array>;
  /** As `get`, for a key whose digest is not known beforehand (a manifest, whose name is its digest). */
  getByKey(bucket: string, key: string, options: GetOptions): Promise<Uint8Array>;
  /**
   * As `get`, into a file, which appears whole or not at all and replaces what was there; carries on after the bytes that
   * an interrupted call has left beside it.
   */
  getFile(ref: ObjectRef, path: string, options: GetOptions): Promise<void>;
  /** Part of an object, fewer bytes where the object ends before; no digest vouches for them. */
  getRange(bucket: string, key: string, range: ByteRange, options: GetOptions): Promise<Uint8Array>;
  /** undefined when there is none */
  head(bucket: string, key: string, options?: StoreOptions): Promise<{ readonly bytes: number } | undefined>;
  /** Keys below a prefix, sorted. */
  list(bucket: string, prefix: string, options?: StoreOptions): AsyncIterable<string>;
  delete(bucket: string, key: string, options?: StoreOptions): Promise<void>;
  /** Makes a bucket, unless it is there. */
  createBucket(bucket: string, options?: StoreOptions): Promise<void>;
}
