import { InvalidInput } from '../errors.ts';
import { isBucketName } from '../store/object-name.ts';

/** What a participant says on the chain: which object it stands behind, and in which competition (protocol §1.1). */
export type CommitRecord = {
  /** An endpoint's alias, or the owner of a repository. */
  readonly namespace: string;
  /** The bucket, or the repository. */
  readonly name: string;
  /** The first 40 hex digits of the manifest's sha256, or the revision. */
  readonly commit: string | null;
  /** The bound digest. */
  readonly hash: string | null;
  readonly competition: string | null;
};

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Where the object lies that a record names. */
export type CommitLocation =
  | { readonly kind: 'bucket'; readonly endpoint: string; readonly bucket: string; readonly manifestKey: string }
  | { readonly kind: 'repository'; readonly repository: string; readonly revision: string };

const MAX_BYTES = 128;
const NULL = 'None';
const REPOSITORY_LENGTH = { least: 4, most: 38 };

/**
 * The record's bytes as hex, as the chain takes them: `namespace:name:commit:hash:competition`, `None` for null.
 * @throws {InvalidInput} when it could not be read back: a colon or nothing in a field, a text `None`, over 128 bytes
 */
export function encodeCommitRecord({ namespace, name, commit, hash, competition }: CommitRecord): string {
  if ([commit, hash, competition].includes(NULL)) throw new InvalidInput(`Expected null in a commit record, got the text ${NULL}`);
  const fields = [namespace, name, commit ?? NULL, hash ?? NULL, competition ?? NULL];
  const hex = Buffer.from(fields.join(':')).toString('hex');
  const decoded = decodeCommitRecord(hex);
  if (!decoded.ok) throw new InvalidInput(decoded.reason);
  if (decoded.value.namespace !== namespace || decoded.value.name !== name) throw new InvalidInput('Expected well-formed text in a commit record, got a lone surrogate');
  return hex;
}

/**
 * The record in a commitment from the chain, or why there is none. Encoding what was decoded gives the same bytes.
 * @param field bytes, or hex without 0x
 */
export function decodeCommitRecord(field: Uint8Array | string): Decoded<CommitRecord> {
  const bytes = typeof field === 'string' ? fromHex(field) : field;
  if (!bytes) return failed('hex digits', 'other text');
  if (bytes.byteLength > MAX_BYTES) return failed(`at most ${MAX_BYTES} bytes`, `${bytes.byteLength}`);
  const text = fromUtf8(bytes);
  if (text === undefined) return failed('UTF-8', 'other bytes');
  const fields = text.split(':');
  if (fields.length !== 5) return failed('five fields', `${fields.length}`);
  if (fields.includes('')) return failed('five fields with text', 'an empty one');
  const [namespace, name, commit, hash, competition] = fields.map((value) => (value === NULL ? null : value));
  return {
    ok: true,
    value: { namespace: namespace ?? NULL, name: name ?? NULL, commit: commit ?? null, hash: hash ?? null, competition: competition ?? null },
  };
}

/**
 * Where to fetch what a record names, or why nothing can be: nothing of it is used as a name before it is checked.
 * @param endpoints aliases that the competition defines; any other namespace owns repositories
 */
export function commitLocation({ namespace, name, commit }: CommitRecord, endpoints: ReadonlySet<string>): Decoded<CommitLocation> {
  if (commit === null || !/^[0-9a-f]{40}$/.test(commit)) return failed('a commit of 40 hex digits', commit ?? NULL);
  if (endpoints.has(namespace)) {
    if (!isBucketName(name)) return failed('a bucket of 3 to 63 characters a-z 0-9 -', name);
    return { ok: true, value: { kind: 'bucket', endpoint: namespace, bucket: name, manifestKey: manifestKeyOf(commit) } };
  }
  const repository = `${namespace}/${name}`;
  const { least, most } = REPOSITORY_LENGTH;
  if (repository.length < least || repository.length > most) return failed(`a repository of ${least} to ${most} characters`, repository);
  const isRepository = [namespace, name].every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(part));
  if (!isRepository) return failed('a repository of A-Z a-z 0-9 . _ -', repository);
  return { ok: true, value: { kind: 'repository', repository, revision: commit } };
}

/** Where the manifest with these first 40 hex digits of its sha256 lies in its bucket. */
export const manifestKeyOf = (commit: string): string => `manifests/${commit}.json`;

const failed = (expected: string, got: string): { ok: false; reason: string } => ({ ok: false, reason: `no valid commitment: expected ${expected}, got ${JSON.stringify(got)}` });

function fromHex(hex: string): Uint8Array | undefined {
  const bytes = Buffer.from(hex, 'hex'); // stops without a word at the first other character
  return bytes.byteLength * 2 === hex.length ? bytes : undefined;
}

function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
