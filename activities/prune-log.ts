import { readCheckpoint } from '../genki/federation/window-state.ts';
import { MAX_CHECKPOINT_BYTES, windowPrefix } from '../genki/protocol/window-log.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { parseJson } from './parse-json.ts';
import { receiptsPrefix } from './receipts.ts';
import { unlessFaulty } from './unless-faulty.ts';
import { newestStates } from './window-states.ts';

/** A validator's buckets; the competition's id and digest. */
export type LogShelf = { readonly bucket: string; readonly privateBucket: string; readonly competition: string; readonly digest: string };

/**
 * Windows of which a validator keeps all that it has published: entry, updates, what peers signed, scores; and receipts. A
 * round pays by the scores of a hundred, and so far behind a node still goes on by the log alone. They are counted, not dated:
 * of a competition that stands still nothing is forgotten.
 */
export const KEPT_WINDOWS = 100;
/** Of its own; a joiner begins from the newest that any leader still has. */
export const KEPT_CHECKPOINTS = 4;
/** Rounds whose Dama stays; the chain names the newest. */
const KEPT_ROUNDS = 3;

/** Below which the Dama lies that a validator stood for in an epoch: `damas/rw/000042` */
export const roundDamaPrefix = (competition: string, epoch: number): string => `damas/${competition}/${String(epoch).padStart(6, '0')}`;

/** Forgets what nobody needs any more of windows that were closed long ago. Killed on the way, the next time goes on. */
export async function pruneLog(store: ObjectStore, { bucket, privateBucket, competition, digest }: LogShelf): Promise<void> {
  await keepNewest(store, { bucket, prefix: parentOf(windowPrefix(competition, 0)), most: KEPT_WINDOWS });
  await keepNewest(store, { bucket: privateBucket, prefix: receiptsPrefix(competition), most: KEPT_WINDOWS });
  await pruneCheckpoints(store, { bucket, privateBucket, competition, digest });
}

/** Forgets the Damas of all rounds but the newest. */
export const pruneRounds = (store: ObjectStore, { bucket, competition }: Pick<LogShelf, 'bucket' | 'competition'>): Promise<void> => keepNewest(store, { bucket, prefix: parentOf(roundDamaPrefix(competition, 0)), most: KEPT_ROUNDS });

const parentOf = (prefix: string): string => prefix.slice(0, prefix.lastIndexOf('/') + 1);

/** Of what lies by number below a prefix, the newest numbers. */
async function keepNewest(store: ObjectStore, { bucket, prefix, most }: { readonly bucket: string; readonly prefix: string; readonly most: number }): Promise<void> {
  const keys = new Map<string, string[]>();
  for await (const key of store.list(bucket, prefix)) {
    const number = /^\d+/.exec(key.slice(prefix.length))?.[0];
    if (number !== undefined) keys.set(number, [...(keys.get(number) ?? []), key]);
  }
  const old = [...keys.keys()].sort().slice(0, -most);
  for (const key of old.flatMap((number) => keys.get(number)!)) await store.delete(bucket, key);
}

/** A model that is copied just now has no checkpoint yet: those that windows go on from stay, too. */
async function pruneCheckpoints(store: ObjectStore, { bucket, privateBucket, competition, digest }: LogShelf): Promise<void> {
  const prefix = `checkpoints/${competition}/`;
  const keys: string[] = [];
  for await (const key of store.list(bucket, prefix)) keys.push(key);
  const read = await Promise.all(keys.filter((key) => /^[0-9a-f]{40}\.json$/.test(key.slice(prefix.length))).map(async (key) => ({ key, checkpoint: await unlessFaulty(async () => readCheckpoint(parseJson(await store.getByKey(bucket, key, { maxBytes: MAX_CHECKPOINT_BYTES })))) })));
  const kept = read.sort((a, b) => (b.checkpoint?.window ?? -1) - (a.checkpoint?.window ?? -1)).slice(0, KEPT_CHECKPOINTS);
  const states = [...(await newestStates(store, { bucket: privateBucket, competition }, digest)).map(({ state }) => state), ...kept.flatMap(({ checkpoint }) => (checkpoint ? [checkpoint.state] : []))];
  const needed = new Set([...kept.map(({ key }) => key.slice(prefix.length)), ...states.map((state) => stateFolder(state.digest))]);
  for (const key of keys) if (!needed.has(key.slice(prefix.length).split('/')[0]!)) await store.delete(bucket, key);
}

/** What a model's folder is called: the first 40 hex digits of its digest. */
export const stateFolder = (digest: string): string => Buffer.from(digest, 'base64').toString('hex').slice(0, 40);
