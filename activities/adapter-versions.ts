import { verifySignature } from '../genki/chain/keys.ts';
import { MAX_VERSION_BYTES, openVersion, versionKey, versionsPrefix, type AdapterVersion } from '../genki/protocol/adapter-version.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import type { CurrentVersion } from '../genki/protocol/relay.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { numbersIn } from './numbered.ts';

/** An adapter of a hub, by the hub's hotkey and its public bucket. */
export type HubAdapter = { readonly hub: string; readonly bucket: string; readonly adapterId: string };

/** A version with its file. */
export type Versioned = { readonly version: AdapterVersion; readonly record: ObjectRef };

/**
 * One version, as the hub has signed it.
 * @throws {ObjectMissing} where there is none of this number; {BadSubmission} where it is not the hub's
 */
export async function readVersion(store: ObjectStore, { hub, bucket, adapterId }: HubAdapter, sequence: number): Promise<Versioned> {
  const key = versionKey(adapterId, sequence);
  const bytes = await store.getByKey(bucket, key, { maxBytes: MAX_VERSION_BYTES });
  return { version: openVersion(bytes, { hotkey: hub, adapterId, sequence }, verifySignature), record: { bucket, key, sha256: sha256Hex(bytes), bytes: bytes.byteLength } };
}

/** The numbers of all versions, ascending. */
export const sequencesOf = (store: ObjectStore, { bucket, adapterId }: Pick<HubAdapter, 'bucket' | 'adapterId'>): Promise<number[]> => numbersIn(store, bucket, versionsPrefix(adapterId));

/** The newest version that the bucket has. */
export async function newestVersion(store: ObjectStore, of: HubAdapter): Promise<Versioned | undefined> {
  const newest = (await sequencesOf(store, of)).at(-1);
  return newest === undefined ? undefined : await readVersion(store, of, newest);
}

/** The newest fence that a version was pushed with: one that was rolled back to has its old author's. */
export async function lastFence(store: ObjectStore, of: HubAdapter, { version }: Versioned): Promise<number> {
  let newest = version;
  while (newest.rolledBackTo !== undefined) newest = (await readVersion(store, of, newest.sequence - 1)).version;
  return newest.author.fence;
}

/** A version as the relay names it. */
export const currentOf = ({ version: { sequence, adapter }, record }: Versioned): CurrentVersion => ({ sequence, adapter, record });
