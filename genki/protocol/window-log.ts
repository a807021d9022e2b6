import * as z from 'zod';
import type { Hotkey, Signer } from '../chain/chain.ts';
import { BadSubmission, InvalidInput } from '../errors.ts';
import { isBucketName, isObjectKey } from '../store/object-name.ts';
import { openSignedJson, signJson, type VerifySignature } from './signed-json.ts';

/**
 * The log of windows: one entry a window, signed by the validator that closed it, each naming the one before by its digest.
 *
 * 1. `before` and `after` are digests of the model (`stateDigest`), so that whoever applies an entry knows that it has what
 *    everybody has. A window that nobody closed has no entry, and the model stays as it was.
 * 2. What the peers handed in lies, opened, in the leader's bucket: whoever joins late needs nobody else.
 * 3. A `checkpoint` is of the model before the window, so that an entry can name one and be named by the next.
 */
const VERSION = 1;
const DOMAIN = 'genki-window-v1:';
/** So that keys sort as numbers do. */
const DIGITS = 10;
const MAX_PEERS = 256;
/** What one payload of a workflow has room for, beside as many peers as there may be. */
export const MAX_REFUSED = 1024;

/** More than any entry has: 256 peers with three references each, and 1024 reasons. A step of a workflow returns it whole, and no more than 2 MiB. */
export const MAX_ENTRY_BYTES = 1.5 * 2 ** 20;
/** More than any checkpoint has, which is references. */
export const MAX_CHECKPOINT_BYTES = 2 ** 14;

const Count = z.int().nonnegative();
const Text = z.string().min(1).max(200);
const Sha256 = z.hash('sha256').lowercase();
/** Base64 of 32 bytes. */
const Digest = z.base64().length(44);
const Ref = z.strictObject({ bucket: z.string().refine(isBucketName), key: z.string().refine(isObjectKey), sha256: Sha256, bytes: Count });
const Factor = z.number().positive();

const Peer = z.strictObject({
  hotkey: Text,
  registeredAt: Count,
  /** Signed by the peer. */
  manifest: Ref,
  /** What it disclosed, opened. */
  update: Ref,
  /** Of a slice: what the peer signed of it (`slices.ts`). */
  disclosure: Ref.nullable(),
  /** Euclidean, before it was clipped. */
  norm: z.number().nonnegative(),
  /** What it was multiplied by. */
  factor: Factor,
});
const Refused = z.strictObject({ hotkey: Text, registeredAt: Count, reason: z.string().min(1).max(400) });

const Entry = z
  .strictObject({
    version: z.literal(VERSION),
    /** Digest of the competition file. */
    competition: Digest,
    /** Who closed the window. */
    hotkey: Text,
    /** Its place in the order of leaders. */
    rank: Count,
    window: Count,
    /** Whose the previous entry is, and its file's digest; null in the first one. Windows between the two were missed. */
    previous: z.strictObject({ window: Count, hotkey: Text, sha256: Sha256 }).nullable(),
    before: Digest,
    after: Digest,
    /** In the order in which they were aggregated. */
    peers: z.array(Peer).max(MAX_PEERS),
    refused: z.array(Refused).max(MAX_REFUSED),
    checkpoint: Ref.nullable(),
  })
  .refine(({ previous, window }) => previous === null || previous.window < window, 'expected the previous entry of an earlier window')
  .refine(({ peers }) => new Set(peers.map(({ hotkey }) => hotkey)).size === peers.length, 'expected each peer once')
  .refine(({ peers, before, after }) => peers.length > 0 || before === after, 'expected the model unchanged without peers');
export type WindowEntry = z.infer<typeof Entry>;

export type ExpectedEntry = { readonly hotkey: Hotkey; /** digest of the competition */ readonly competition: string; readonly window: number; /** the only bucket that its objects may lie in */ readonly bucket?: string };

/** Where a miner's manifest and a leader's entry of a window lie in their public buckets: `windows/rw/0000000042.json` */
export const windowKey = (competitionId: string, window: number): string => `${windowPrefix(competitionId, window)}.json`;

/** Below which what belongs to a window lies: `windows/rw/0000000042` */
export const windowPrefix = (competitionId: string, window: number): string => `windows/${competitionId}/${String(window).padStart(DIGITS, '0')}`;

/** Where a leader keeps the entry that its own goes on from, so that nobody breaks the log by taking it away. */
export const previousKey = (competitionId: string, { window, sha256 }: NonNullable<WindowEntry['previous']>): string => `${windowPrefix(competitionId, window)}/entry-${sha256}.json`;

/** Where a miner publishes the slice that the block after the window chose, in its public bucket. */
export const sliceKey = (competitionId: string, window: number): string => `${windowPrefix(competitionId, window)}.slice.safetensors`;

/**
 * The entry's file. A signature holds randomness, so two calls give two files.
 * @throws {InvalidInput} when it is not an entry of the signer
 */
export function signWindowEntry(entry: WindowEntry, signer: Signer): Uint8Array {
  const checked = Entry.safeParse(entry);
  if (!checked.success) throw new InvalidInput(`Expected an entry of the window log:\n${z.prettifyError(checked.error)}`);
  if (entry.hotkey !== signer.hotkey) throw new InvalidInput(`Expected an entry of ${signer.hotkey}, got one of ${entry.hotkey}`);
  return signJson(DOMAIN, checked.data, signer);
}

/**
 * An entry from outside, once everything that it alone can be held to is checked.
 * @throws {BadSubmission} naming what was expected and found
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function openWindowEntry(bytes: Uint8Array, expected: ExpectedEntry, verify: VerifySignature): WindowEntry {
  const parsed = Entry.safeParse(openSignedJson(DOMAIN, bytes, { hotkey: expected.hotkey, version: VERSION }, verify));
  if (!parsed.success) throw new BadSubmission(`Expected an entry of the window log:\n${z.prettifyError(parsed.error)}`);
  const entry = parsed.data;
  for (const field of ['hotkey', 'competition', 'window'] as const) agree(field, expected[field], entry[field]);
  const refs = [...entry.peers.flatMap(({ manifest, update, disclosure }) => [manifest, update, ...(disclosure ? [disclosure] : [])]), ...(entry.checkpoint ? [entry.checkpoint] : [])];
  for (const { bucket } of expected.bucket === undefined ? [] : refs) agree('bucket', expected.bucket, bucket);
  return entry;
}

/**
 * The body of an entry whose file's digest is known to be the log's.
 * @throws {BadSubmission} when it is none
 */
export function readWindowEntry(bytes: Uint8Array): WindowEntry {
  const parsed = z.strictObject({ body: Entry, signature: z.string() }).safeParse(fromJson(bytes));
  if (!parsed.success) throw new BadSubmission(`Expected an entry of the window log:\n${z.prettifyError(parsed.error)}`);
  return parsed.data.body;
}

function fromJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function agree(field: string, expected: string | number | undefined, got: string | number): void {
  if (expected !== got) throw new BadSubmission(`Expected an entry of the window log with ${field} ${expected}, got ${got}`);
}
