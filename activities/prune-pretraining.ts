import type { BaseRecord } from '../genki/protocol/base-record.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';

/** Below which all lies in a hub's private bucket that pre-training leaves. */
export const PRETRAINING = 'pretrain/';

/**
 * Forgets the models and checkpoints of pre-training that no later call goes on from, once a base is published: that base
 * lies in the public bucket. Of every run the checkpoint stays that its newest base names.
 * @param records all of them, oldest first
 */
export async function prunePretraining(store: ObjectStore, bucket: string, records: readonly BaseRecord[]): Promise<void> {
  const newest = new Map(records.map(({ run }) => [run.name, run.checkpoint]));
  const needed = new Set([...newest.values()].flatMap((ref) => (ref?.bucket === bucket ? [ref.key] : [])));
  for await (const key of store.list(bucket, PRETRAINING)) if (!needed.has(key)) await store.delete(bucket, key);
}
