import * as z from 'zod';
import { ChecksumMismatch, InvalidInput } from '../genki/errors.ts';
import type { WindowState } from '../genki/federation/window-state.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { parseJson } from './parse-json.ts';
import { Reference } from './reference.ts';

/** Where a node keeps the models that windows begin from: its private bucket, by the competition's id. */
export type StateShelf = { readonly bucket: string; readonly competition: string };

const Digest = z.base64().length(44);
const KeptState = z.strictObject({
  version: z.literal(1),
  /** Digest of the competition. */
  competition: Digest,
  /** The window that begins from it. */
  window: z.int().nonnegative(),
  state: z.strictObject({ digest: Digest, dama: z.strictObject({ digest: Digest, weights: Reference, config: Reference, tokenizer: Reference.optional() }), momentum: Reference.nullable() }),
  /** The newest entry of the log that is in it, in this bucket: others may take theirs away. None where it is what the competition began with. */
  entry: Reference.nullable(),
});
type KeptState = { readonly version: 1; readonly competition: string; readonly window: number; readonly state: WindowState; readonly entry: ObjectRef | null };

/** As many digits as a window's own keys have, so that keys sort as numbers do. */
const DIGITS = 10;
const MAX_BYTES = 2 ** 14;
/** Models that stay: the newest, the one that the window before was made from, and one more. */
const KEPT = 3;

const prefixOf = ({ competition }: StateShelf): string => `states/${competition}/`;
const keyOf = (shelf: StateShelf, window: number): string => `${statePrefix(shelf, window)}.json`;

/** Below which the objects of the model lie that a window begins from. */
export const statePrefix = (shelf: StateShelf, window: number): string => `${prefixOf(shelf)}${String(window).padStart(DIGITS, '0')}`;

/** Keeps a model by the window that begins from it; another one, which a node had that was led astray, gives way. */
export async function keepState(store: ObjectStore, shelf: StateShelf, kept: Omit<KeptState, 'version'>): Promise<void> {
  const key = keyOf(shelf, kept.window);
  const body = new TextEncoder().encode(canonicalJson({ version: 1, ...kept }));
  try {
    await store.putOnce(shelf.bucket, key, body);
  } catch (error) {
    if (!(error instanceof ChecksumMismatch)) throw error;
    await store.delete(shelf.bucket, key);
    await store.putOnce(shelf.bucket, key, body);
  }
}

/** The newest model of a competition; undefined where there is none. */
export async function newestState(store: ObjectStore, shelf: StateShelf, competitionDigest: string): Promise<Kept | undefined> {
  return (await newestStates(store, shelf, competitionDigest))[0];
}

/** A model, the window that begins from it, and the entry that made it. */
export type Kept = Pick<KeptState, 'window' | 'state' | 'entry'>;

/** The newest three models of a competition, the newest first; none where that is of another version of it. */
export async function newestStates(store: ObjectStore, shelf: StateShelf, competitionDigest: string): Promise<Kept[]> {
  const kept: Kept[] = [];
  for (const key of (await keysOf(store, shelf)).slice(-KEPT).reverse()) {
    const { competition, window, state, entry } = await read(store, shelf, key);
    if (competition !== competitionDigest) break;
    kept.push({ window, state, entry });
  }
  return kept;
}

/** Forgets all models but the newest three, with those of their objects that none of the three has. */
export async function pruneStates(store: ObjectStore, shelf: StateShelf): Promise<void> {
  const keys = await keysOf(store, shelf);
  const kept = await Promise.all(keys.slice(-KEPT).map((key) => read(store, shelf, key)));
  const needed = new Set(kept.flatMap(({ state: { dama, momentum }, entry }) => [dama.weights, dama.config, dama.tokenizer, momentum, entry].flatMap((ref) => (ref?.bucket === shelf.bucket ? [ref.key] : []))));
  const oldest = kept[0]?.window ?? 0;
  for await (const key of store.list(shelf.bucket, prefixOf(shelf))) {
    const window = Number(key.slice(prefixOf(shelf).length, prefixOf(shelf).length + DIGITS));
    if (window < oldest && !needed.has(key)) await store.delete(shelf.bucket, key);
  }
}

async function keysOf(store: ObjectStore, shelf: StateShelf): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(shelf.bucket, prefixOf(shelf))) if (/^\d{10}\.json$/.test(key.slice(prefixOf(shelf).length))) keys.push(key);
  return keys;
}

/** @throws {InvalidInput} when it is spoiled */
async function read(store: ObjectStore, { bucket }: StateShelf, key: string): Promise<KeptState> {
  const parsed = KeptState.safeParse(parseJson(await store.getByKey(bucket, key, { maxBytes: MAX_BYTES })));
  if (!parsed.success) throw new InvalidInput(`Expected the model of a window in ${bucket}/${key}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data as KeptState;
}
