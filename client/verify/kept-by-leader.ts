import { parseJson } from '../../activities/parse-json.ts';
import { plainText } from '../../activities/plain-text.ts';
import { unlessFaulty } from '../../activities/unless-faulty.ts';
import type { Logged } from '../../activities/window-log.ts';
import type { Deployment } from '../../activities/deployment.ts';
import type { PeerUpdate } from '../../activities/model/window-models.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { faultOf } from '../../genki/errors.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { UPDATE_FILE, verifyManifest } from '../../genki/protocol/manifest.ts';
import { windowPrefix } from '../../genki/protocol/window-log.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';

/** What a leader's bucket shows of those whom its entry refuses. */
export type Kept = {
  /** Whose update it opened: why they were refused can be computed again. */
  readonly opened: readonly PeerUpdate[];
  /** What is wrong with what they signed, as it can be read again. */
  readonly faulty: readonly { readonly hotkey: string; readonly reason: string }[];
  /** Whose refusal rests on what only the leader saw: what was there when it looked. */
  readonly unseen: readonly string[];
  /** Who handed in, and is neither taken nor refused. */
  readonly unnamed: readonly string[];
};

type Deps = { readonly store: ObjectStore; readonly deployment: Deployment };

/** A leader keeps the manifests that it received in its public bucket, and the updates that it opened, by their digests. */
export async function keptByLeader(deps: Deps, { ref: { bucket }, entry }: Logged): Promise<Kept> {
  const received = await manifestsIn(deps, bucket, entry.window);
  const taken = new Set(entry.peers.map(({ hotkey }) => hotkey));
  const named = new Set([...taken, ...entry.refused.map(({ hotkey }) => hotkey)]);
  const looked = await Promise.all(entry.refused.map(({ hotkey }) => lookAt(deps, { bucket, entry, hotkey, manifest: received.get(hotkey) })));
  return {
    opened: looked.flatMap((one) => ('ref' in one ? [one] : [])),
    faulty: looked.flatMap((one) => ('reason' in one ? [one] : [])),
    unseen: looked.flatMap((one) => ('unseen' in one ? [one.unseen] : [])),
    unnamed: [...received.keys()].filter((hotkey) => !named.has(hotkey)),
  };
}

const MANIFEST = /\/[0-9a-f]{64}\.json$/;

/** By whom they say they are. */
async function manifestsIn({ store, deployment: { competition: { id, limits } } }: Deps, bucket: string, window: number): Promise<Map<string, ObjectRef>> {
  const found = new Map<string, ObjectRef>();
  for await (const key of store.list(bucket, `${windowPrefix(id, window)}/`)) {
    if (!MANIFEST.test(key)) continue;
    const bytes = await unlessFaulty(() => store.getByKey(bucket, key, { maxBytes: limits.manifestBytes }));
    const manifest = bytes && (parseJson(bytes) as { body?: { hotkey?: unknown } } | null | undefined);
    const hotkey = manifest?.body?.hotkey;
    if (typeof hotkey === 'string') found.set(hotkey, { bucket, key, sha256: sha256Hex(bytes!), bytes: bytes!.byteLength });
  }
  return found;
}

type Look = { readonly bucket: string; readonly entry: Logged['entry']; readonly hotkey: string; readonly manifest: ObjectRef | undefined };

async function lookAt({ store, deployment }: Deps, { bucket, entry, hotkey, manifest }: Look): Promise<PeerUpdate | { hotkey: string; reason: string } | { unseen: string }> {
  const { competition: { id, limits }, competitionDigest: competition } = deployment;
  if (!manifest) return { unseen: hotkey };
  try {
    const { files } = verifyManifest(await store.get(manifest, { maxBytes: limits.manifestBytes }), { kind: 'window', hotkey, competition, base: entry.before }, verifySignature);
    const content = files.find(({ name }) => name === UPDATE_FILE)?.content;
    const ref = content && { bucket, key: `${windowPrefix(id, entry.window)}/${content.sha256}.safetensors`, ...content };
    return ref && (await store.head(bucket, ref.key)) ? { hotkey, manifest, ref } : { unseen: hotkey };
  } catch (error) {
    if (!faultOf(error)) throw error;
    return { hotkey, reason: plainText(faultOf(error)!.message) };
  }
}
