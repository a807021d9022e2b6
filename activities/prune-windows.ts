import * as z from 'zod';
import { manifestCommit } from '../genki/protocol/manifest.ts';
import { keyFileOf } from '../genki/protocol/sealing.ts';
import { sliceFileOf } from '../genki/protocol/slices.ts';
import { windowKey } from '../genki/protocol/window-log.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { pruneMade } from './made-updates.ts';
import { parseJson } from './parse-json.ts';
import { unlessFaulty } from './unless-faulty.ts';
import { pruneStates } from './window-states.ts';

/** Whose buckets are cleared; public objects of windows before this one go. */
export type Pruning = { readonly bucket: string; readonly privateBucket: string; readonly competition: string; readonly before: number };

const MAX_MANIFEST_BYTES = 2 ** 20;
const HandedIn = z.looseObject({ body: z.looseObject({ kind: z.literal('window'), files: z.array(z.looseObject({ ref: z.looseObject({ bucket: z.string(), key: z.string() }) })) }) });

/**
 * Clears a miner's buckets: of its private one all models but the newest, and all updates but those that error feedback may
 * still need; of its public one the updates of windows that have long been closed, whose leaders keep copies of them.
 *
 * A manifest goes last: killed before, the next time finds by it what is left. Nothing else that lies beside it is touched.
 */
export async function pruneWindows(store: ObjectStore, { bucket, privateBucket, competition, before }: Pruning): Promise<void> {
  await pruneStates(store, { bucket: privateBucket, competition });
  await pruneMade(store, { bucket: privateBucket, competition });
  if (before <= 0) return;
  const end = windowKey(competition, before);
  for (const key of await manifestsBefore(store, bucket, end)) await forgetHandedIn(store, bucket, key);
  for (const key of await manifestsBefore(store, privateBucket, end)) await store.delete(privateBucket, key);
}

async function manifestsBefore(store: ObjectStore, bucket: string, end: string): Promise<string[]> {
  const old: string[] = [];
  for await (const key of store.list(bucket, end.slice(0, end.lastIndexOf('/') + 1))) if (key < end && /\/\d{10}\.json$/.test(key)) old.push(key);
  return old;
}

async function forgetHandedIn(store: ObjectStore, bucket: string, key: string): Promise<void> {
  const bytes = await unlessFaulty(() => store.getByKey(bucket, key, { maxBytes: MAX_MANIFEST_BYTES }));
  const manifest = bytes && HandedIn.safeParse(parseJson(bytes)).data;
  if (!manifest) return;
  for (const { ref } of manifest.body.files) if (ref.bucket === bucket && ref.key.startsWith('updates/')) await store.delete(bucket, ref.key);
  await store.delete(bucket, sliceKeyOf(key));
  for (const file of [keyFileOf, sliceFileOf]) await store.delete(bucket, file(manifestCommit(bytes)));
  await store.delete(bucket, key);
}

const sliceKeyOf = (manifestKey: string): string => manifestKey.replace(/\.json$/, '.slice.safetensors');
