import type { Chain } from '../genki/chain/chain.ts';
import { verifySignature } from '../genki/chain/keys.ts';
import { BadSubmission, faultOf, NewerSchema, ObjectMissing } from '../genki/errors.ts';
import { mapBounded } from '../genki/map-bounded.ts';
import { maxUpdateBytes } from '../genki/federation/compression/update-codec.ts';
import { layoutOf, type Layout } from '../genki/federation/layout.ts';
import { manifestCommit, UPDATE_FILE } from '../genki/protocol/manifest.ts';
import { drawPlaces } from '../genki/protocol/places.ts';
import { SEAL_BYTES, unseal } from '../genki/protocol/sealing.ts';
import { MAX_SLICE_FILE_BYTES, openSliceFile, sliceFileOf } from '../genki/protocol/slices.ts';
import { sliceKey, windowPrefix } from '../genki/protocol/window-log.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import { deltaOf } from './delta-competition.ts';
import type { Deployment } from './deployment.ts';
import { fromStranger } from './from-stranger.ts';
import { plainText } from './plain-text.ts';
import { publishedKey } from './published-key.ts';
import { openManifest, type Received, type Receipts } from './receipts.ts';
import { musicOf } from './submission.ts';

/** What a peer disclosed, as it lies in the validator's public bucket; `disclosure`: what it signed of a slice. */
export type Opened = { readonly hotkey: string; readonly registeredAt: number; readonly ref: ObjectRef; readonly manifest: ObjectRef; readonly disclosure: ObjectRef | null };
export type Refused = { readonly hotkey: string; readonly registeredAt: number; readonly reason: string };
export type Disclosures = { readonly opened: readonly Opened[]; readonly refused: readonly Refused[] };

type Deps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment };
export type Opening = {
  readonly window: number;
  /** Of the validator. */
  readonly bucket: string;
  /** Digest of the model that updates have to be made from. */
  readonly base: string;
  /** By when it had to be disclosed. */
  readonly reveal: number;
  /** Of the window's hold-out, and what everybody had earned when it began: say who takes part where there are too many. */
  readonly seed: string;
  readonly incentives: ReadonlyMap<string, number>;
};

const SIDE_BY_SIDE = 8;

/**
 * Opens what was received, once it had to be disclosed: each file as a whole or not at all. What a peer may be blamed for is
 * why it is refused; a store or chain that does not answer is not.
 */
export async function openAll(deps: Deps, { received, refused }: Receipts, opening: Opening): Promise<Disclosures> {
  const { maxPeers } = deltaOf(deps.deployment.competition);
  const layout = layoutOf(await musicOf(deps.store, { base: deps.deployment.genesisDama }));
  const drawn = drawPlaces(received.map(({ hotkey }) => ({ hotkey, incentive: opening.incentives.get(hotkey) ?? 0 })), maxPeers, opening.seed);
  const left = received.filter((one) => !drawn.has(one.hotkey)).map(({ hotkey, registeredAt }) => ({ hotkey, registeredAt, reason: `Expected one of ${maxPeers} places, for which there were ${received.length}: those who have earned the most come first, a quarter is drawn` }));
  const results = await mapBounded(received.filter((one) => drawn.has(one.hotkey)), SIDE_BY_SIDE, (one) => openOne(deps, one, { ...opening, layout }));
  return {
    opened: results.flatMap((one) => ('ref' in one ? [one] : [])),
    refused: [...refused, ...left, ...results.flatMap((one) => ('reason' in one ? [one] : []))],
  };
}

async function openOne(deps: Deps, received: Received, opening: Opening & { readonly layout: Layout }): Promise<Opened | Refused> {
  const { hotkey, registeredAt, manifest } = received;
  try {
    return { hotkey, registeredAt, manifest, ...(await mirror(deps, received, opening)) };
  } catch (error) {
    if (!faultOf(error) && !(error instanceof NewerSchema)) throw error;
    return { hotkey, registeredAt, reason: plainText(error instanceof Error ? error.message : String(error)) };
  }
}

/** Under its content's own name, where who joins late finds it. */
async function mirror({ store, ...deps }: Deps, received: Received, { window, bucket, ...opening }: Opening & { readonly layout: Layout }): Promise<Pick<Opened, 'ref' | 'disclosure'>> {
  const { competition: { id }, genesisDama } = deps.deployment;
  const { content, signed } = await fromStranger(store, genesisDama.config, () => contentOf({ store, ...deps }, received, { window, bucket, ...opening }));
  const put = (bytes: Uint8Array, type: string): Promise<ObjectRef> => store.putOnce(bucket, `${windowPrefix(id, window)}/${sha256Hex(bytes)}.${type}`, bytes);
  return { ref: await put(content, 'safetensors'), disclosure: signed ? await put(signed, 'json') : null };
}

/** `signed`: of a slice, what says that it is the peer's. */
type Disclosed = { readonly content: Uint8Array; readonly signed?: Uint8Array };

async function contentOf({ chain, store, deployment }: Deps, { hotkey, bucket, manifest: ref }: Received, { window, base, reveal, layout }: Opening & { readonly layout: Layout }): Promise<Disclosed> {
  const { competition, competitionDigest, blockMs } = deployment;
  const { codec } = deltaOf(competition);
  const most = maxUpdateBytes(codec, layout);
  const bytes = await store.get(ref, { maxBytes: competition.limits.manifestBytes });
  const manifest = openManifest(bytes, { hotkey, competition: competitionDigest, bucket, window, base });
  const file = manifest.files.find(({ name }) => name === UPDATE_FILE);
  if ((codec.kind === 'slice') === (file !== undefined)) throw new BadSubmission(codec.kind === 'slice' ? 'Expected the root of an update alone, got a file' : `Expected the file ${UPDATE_FILE}, got a root alone`);
  if (!file?.content) return await slice(store, { bucket, key: sliceKey(competition.id, window), hotkey, commit: manifestCommit(bytes), most, reveal });
  if (file.content.bytes > most) throw new BadSubmission(`Expected an update of at most ${most} bytes, got ${file.content.bytes}`);
  const key = await publishedKey({ chain, store, blockMs }, { bucket, commit: manifestCommit(bytes), hotkey, deadline: reveal });
  return { content: unseal(await store.get(file.ref, { maxBytes: most + SEAL_BYTES }), key, { hotkey, competition: competitionDigest, content: file.content }) };
}

type SliceOf = { readonly bucket: string; readonly key: string; readonly hotkey: string; readonly commit: string; readonly most: number; readonly reveal: number };

async function slice(store: ObjectStore, { bucket, key, hotkey, commit, most, reveal }: SliceOf): Promise<Disclosed> {
  const due = (what: string, at: string, maxBytes: number): Promise<Uint8Array> => store.getByKey(bucket, at, { maxBytes }).catch((error: unknown) => {
    if (!(error instanceof ObjectMissing)) throw error;
    throw new BadSubmission(`Expected ${what} ${bucket}/${at} by block ${reveal}, got none`, { cause: error });
  });
  const content = await due('the slice', key, most);
  const signed = await due('what is signed of the slice', sliceFileOf(commit), MAX_SLICE_FILE_BYTES);
  const [expected, got] = [openSliceFile(signed, { hotkey, manifest: commit }, verifySignature), sha256Hex(content)];
  if (got !== expected) throw new BadSubmission(`Expected the slice ${expected} that ${hotkey} signed for, got ${got}`);
  return { content, signed };
}
