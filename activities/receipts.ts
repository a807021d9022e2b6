import * as z from 'zod';
import type { Chain, Hotkey } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { BadSubmission, faultOf, InvalidInput, NewerSchema } from '../genki/errors.ts';
import { mapBounded } from '../genki/map-bounded.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { verifyManifest, type WindowManifest } from '../genki/protocol/manifest.ts';
import { windowKey, windowPrefix } from '../genki/protocol/window-log.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import type { Deployment } from './deployment.ts';
import { fromStranger } from './from-stranger.ts';
import { parseJson } from './parse-json.ts';
import { plainText } from './plain-text.ts';
import { publishersAt, type Publisher } from './publishers.ts';
import { putFirst } from './put-first.ts';
import { Reference } from './reference.ts';
import { minersOf, type Line } from './window-line.ts';

const Count = z.int().nonnegative();
const Peer = z.strictObject({ hotkey: z.string(), registeredAt: Count });
const Received = Peer.extend({
  bucket: z.string(),
  /** What was there, as it lies in the validator's own bucket now. */
  manifest: Reference,
});
const Late = Peer.extend({ reason: z.string() });

const Receipts = z.strictObject({
  version: z.literal(1),
  window: Count,
  /** The finalized block before the first and after the last look. */
  from: Count,
  until: Count,
  /** In commit order. */
  received: z.array(Received),
  refused: z.array(Late),
});

/** What a validator found in the peers' buckets once a window's deadline was final: who was in time (protocol §1.6). */
export type Receipts = z.infer<typeof Receipts>;
export type Received = z.infer<typeof Received>;

/** 65,536 hotkeys, some 500 bytes each. */
const MAX_BYTES = 64 * 2 ** 20;
/** Strangers' buckets that are asked at once. */
const SIDE_BY_SIDE = 16;

type Deps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment };
/** Of whom: a validator's buckets, and the window. */
export type ReceiptsOf = { readonly window: number; readonly bucket: string; readonly privateBucket: string };

/** Below which a validator's receipts lie, by window. */
export const receiptsPrefix = (competitionId: string): string => `receipts/${competitionId}/`;
const receiptsKey = (competitionId: string, window: number): string => `${receiptsPrefix(competitionId)}${windowPrefix(competitionId, window).split('/').at(-1)}.json`;

/** What was received; undefined before it was looked. @throws {InvalidInput} when it is spoiled */
export async function readReceipts(store: ObjectStore, { competition: { id } }: Deployment, { window, privateBucket }: ReceiptsOf): Promise<Receipts | undefined> {
  const key = receiptsKey(id, window);
  if (!(await store.head(privateBucket, key))) return undefined;
  const parsed = Receipts.safeParse(parseJson(await store.getByKey(privateBucket, key, { maxBytes: MAX_BYTES })));
  if (!parsed.success) throw new InvalidInput(`Expected receipts of window ${window} in ${privateBucket}/${key}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/**
 * Looks now who has handed in what for a window, and remembers it: of two looks the first one's counts.
 * A manifest that names a file is there when the file is there, too, with all its bytes; what either of them holds is seen later.
 */
export async function takeReceipts({ chain, store, deployment }: Deps, of: ReceiptsOf, line: Line): Promise<Receipts> {
  const head = await chain.head();
  const peers = peersOf(await publishersAt(chain, deployment, head), line);
  const looks = await mapBounded(peers, SIDE_BY_SIDE, (peer) => look({ store, deployment }, of, peer));
  const receipts: Receipts = {
    version: 1,
    window: of.window,
    from: head.number,
    until: (await chain.head()).number,
    received: looks.flatMap((one) => (one && 'manifest' in one ? [one] : [])),
    refused: looks.flatMap((one) => (one && 'reason' in one ? [one] : [])),
  };
  await putFirst(store, { bucket: of.privateBucket, key: receiptsKey(deployment.competition.id, of.window) }, new TextEncoder().encode(canonicalJson(receipts)));
  return (await readReceipts(store, deployment, of))!;
}

type Candidate = Publisher & { readonly registeredAt: number };

function peersOf(publishers: readonly Publisher[], line: Line): Candidate[] {
  const miners = minersOf(line);
  return publishers.flatMap((one) => (miners.has(one.hotkey) ? [{ ...one, registeredAt: miners.get(one.hotkey)! }] : []));
}

/** undefined for a peer that has handed in nothing */
async function look({ store, deployment }: Omit<Deps, 'chain'>, { window, bucket: own }: ReceiptsOf, { hotkey, registeredAt, bucket }: Candidate): Promise<Received | z.infer<typeof Late> | undefined> {
  const { competition: { id, limits }, competitionDigest: competition, genesisDama } = deployment;
  try {
    const bytes = await fromStranger(store, genesisDama.config, async () => {
      if (!(await store.head(bucket, windowKey(id, window)))) return undefined;
      const found = await store.getByKey(bucket, windowKey(id, window), { maxBytes: limits.manifestBytes });
      await checkThere(store, openManifest(found, { hotkey, competition, bucket, window }));
      return found;
    });
    if (!bytes) return undefined;
    return { hotkey, registeredAt, bucket, manifest: await store.putOnce(own, `${windowPrefix(id, window)}/${sha256Hex(bytes)}.json`, bytes) };
  } catch (error) {
    if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
    return { hotkey, registeredAt, reason: plainText(error instanceof Error ? error.message : String(error)) };
  }
}

/** @throws {BadSubmission} {NewerSchema} */
export function openManifest(bytes: Uint8Array, { window, ...expected }: { readonly hotkey: Hotkey; readonly competition: string; readonly bucket: string; readonly window: number; readonly base?: string }): WindowManifest {
  const manifest = verifyManifest(bytes, { kind: 'window', ...expected }, verifySignature);
  if (manifest.window !== window) throw new BadSubmission(`Expected a manifest of window ${window}, got one of ${manifest.window}`);
  return manifest;
}

async function checkThere(store: ObjectStore, { files }: WindowManifest): Promise<void> {
  for (const { name, ref } of files) {
    const bytes = (await store.head(ref.bucket, ref.key))?.bytes;
    if (bytes !== ref.bytes) throw new BadSubmission(`Expected ${name} of ${ref.bytes} bytes in ${ref.bucket}/${ref.key} by the deadline, got ${bytes ?? 'none'}`);
  }
}
