/** A blob, by what it contains. Every blob travels as one of these. */
export type ObjectRef = {
  readonly bucket: string;
  readonly key: string;
  /** 64 hex */
  readonly sha256: string;
  readonly bytes: number;
};

export type GetOptions = {
  /** More than this is refused while streaming, whatever the reference says. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
};

/** Buckets of immutable objects. */
export interface ObjectStore {
  /**
   * Writes an object that is not there yet. The same bytes again are no error.
   * @throws {ChecksumMismatch} when the key holds other bytes
   */
  putOnce(bucket: string, key: string, body: Uint8Array): Promise<ObjectRef>;
  /** @throws {ObjectMissing} {TooLarge} {ChecksumMismatch} {StoreUnavailable} */
  get(ref: ObjectRef, options: GetOptions): Promise<Uint8Array>;
  /** As `get`, for a key whose digest is not known beforehand (a manifest, whose name is its digest). */
  getByKey(bucket: string, key: string, options: GetOptions): Promise<Uint8Array>;
  /** undefined when there is none */
  head(bucket: string, key: string): Promise<{ readonly bytes: number } | undefined>;
  /** Keys below a prefix, sorted. */
  list(bucket: string, prefix: string): AsyncIterable<string>;
  delete(bucket: string, key: string): Promise<void>;
}
