import { verifySignature } from '../genki/chain/keys.ts';
import { baseKey, basesPrefix, MAX_BASE_RECORD_BYTES, openBaseRecord, type BaseRecord } from '../genki/protocol/base-record.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import type { HubAdapter } from './adapter-versions.ts';
import { numbersIn } from './numbered.ts';

/** One version of the base, as the hub has signed it. @throws {ObjectMissing} {BadSubmission} */
export async function readBaseRecord(store: ObjectStore, { hub, bucket, adapterId }: HubAdapter, sequence: number): Promise<BaseRecord> {
  const bytes = await store.getByKey(bucket, baseKey(adapterId, sequence), { maxBytes: MAX_BASE_RECORD_BYTES });
  return openBaseRecord(bytes, { hotkey: hub, adapterId, sequence }, verifySignature);
}

/** All versions of the base after the one that the competition began with, in their order. */
export async function baseRecords(store: ObjectStore, of: HubAdapter): Promise<BaseRecord[]> {
  const records: BaseRecord[] = [];
  for (const sequence of await sequencesOf(store, of)) records.push(await readBaseRecord(store, of, sequence));
  return records;
}

/** The newest version of the base; undefined while it is the one that the competition began with. */
export async function newestBase(store: ObjectStore, of: HubAdapter): Promise<BaseRecord | undefined> {
  const newest = (await sequencesOf(store, of)).at(-1);
  return newest === undefined ? undefined : await readBaseRecord(store, of, newest);
}

/** The Dama that a relayed adapter belongs to. */
export const relayBase = async (store: ObjectStore, of: HubAdapter, genesis: Dama): Promise<Dama> => (await newestBase(store, of))?.dama ?? genesis;

const sequencesOf = (store: ObjectStore, { bucket, adapterId }: Pick<HubAdapter, 'bucket' | 'adapterId'>): Promise<number[]> => numbersIn(store, bucket, basesPrefix(adapterId));
