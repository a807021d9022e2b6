import * as z from 'zod';
import { InvalidInput } from '../genki/errors.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { parseJson } from './parse-json.ts';
import { putFirst } from './put-first.ts';
import { Reference } from './reference.ts';

const Count = z.int().nonnegative();
const Sha256 = z.hash('sha256').lowercase();

/** How many windows were noised alike; each counts from when its update was made, whether anybody got to see it or not. */
const Noised = z.strictObject({ noise: z.number().positive(), windows: z.int().positive() });

const MadeUpdate = z.strictObject({
  version: z.literal(1),
  /** Digest of the competition. */
  competition: z.base64().length(44),
  window: Count,
  /** Digest of the model that it was made from. */
  base: z.base64().length(44),
  /** sha256 of what is sent; null where that is drawn when the window is over. */
  sent: Sha256.nullable(),
  /** Encoded; of slices all of it. */
  file: Reference,
  /** What it left out; null of slices. */
  residual: Reference.nullable(),
  /** Whether noise was put on it, and on all that earlier ones had left for it. */
  isNoised: z.boolean(),
  /** Of a slice's whole update: the Merkle tree's root, and how many values it has. */
  tree: z.strictObject({ root: Sha256, count: Count }).nullable(),
  /** Euclidean, of what is sent. */
  norm: z.number().nonnegative(),
  /** Of what is sent, and how many times smaller that is than float32. */
  bytes: Count,
  ratio: z.number().positive(),
  training: z.strictObject({ steps: Count, firstLoss: z.number(), lastLoss: z.number(), engine: z.string() }),
  /** What was made of the miner's own music so far, with this one: with noise, and as it was. */
  own: z.strictObject({ noised: z.array(Noised), bare: Count }),
  /** The finalized blocks between which it was made. */
  from: Count,
  to: Count,
});
/** What a miner made for a window: error feedback and privacy are counted by it. */
export type MadeUpdate = z.infer<typeof MadeUpdate>;

/** A miner's private bucket, and the id of the competition. */
export type MadeLedger = { readonly bucket: string; readonly competition: string };

/** As many digits as a window's own keys have, so that keys sort as numbers do. */
const DIGITS = 10;
const MAX_BYTES = 2 ** 14;
const KEPT = 3;

const prefixOf = ({ competition }: MadeLedger): string => `feedback/${competition}/`;
const keyOf = (ledger: MadeLedger, window: number): string => `${prefixOf(ledger)}${String(window).padStart(DIGITS, '0')}.json`;

/**
 * Remembers what was made for a window, before any of it is uploaded: of several tries that differ, the first one's stays.
 * @returns what is remembered
 */
export async function keepMade(store: ObjectStore, ledger: MadeLedger, made: MadeUpdate): Promise<MadeUpdate> {
  await putFirst(store, { bucket: ledger.bucket, key: keyOf(ledger, made.window) }, new TextEncoder().encode(canonicalJson(made)));
  return await read(store, ledger, keyOf(ledger, made.window));
}

/** What was made for a window. @throws {ObjectMissing} */
export const madeFor = (store: ObjectStore, ledger: MadeLedger, window: number): Promise<MadeUpdate> => read(store, ledger, keyOf(ledger, window));

/** The newest that was made, maybe for an earlier version of the competition; undefined when there is none. */
export async function newestMade(store: ObjectStore, ledger: MadeLedger): Promise<MadeUpdate | undefined> {
  const newest = (await keysOf(store, ledger)).at(-1);
  return newest === undefined ? undefined : await read(store, ledger, newest);
}

/** Forgets all but the newest three, which hold what all before them left out and count what all before them cost. */
export async function pruneMade(store: ObjectStore, ledger: MadeLedger): Promise<void> {
  for (const key of (await keysOf(store, ledger)).slice(0, -KEPT)) {
    const { file, residual } = await read(store, ledger, key);
    for (const ref of [file, residual]) if (ref?.bucket === ledger.bucket) await store.delete(ref.bucket, ref.key);
    await store.delete(ledger.bucket, key);
  }
}

async function keysOf(store: ObjectStore, ledger: MadeLedger): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(ledger.bucket, prefixOf(ledger))) keys.push(key);
  return keys;
}

/** @throws {InvalidInput} when it is spoiled: to go on without it would lose, or count twice, what it tells of */
async function read(store: ObjectStore, { bucket }: MadeLedger, key: string): Promise<MadeUpdate> {
  const parsed = MadeUpdate.safeParse(parseJson(await store.getByKey(bucket, key, { maxBytes: MAX_BYTES })));
  if (!parsed.success) throw new InvalidInput(`Expected what was made for a window in ${bucket}/${key}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
