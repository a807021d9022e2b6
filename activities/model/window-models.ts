import { verifySignature } from '../../genki/chain/keys.ts';
import { BadSubmission } from '../../genki/errors.ts';
import type { OuterState } from '../../genki/federation/aggregation/outer-step.ts';
import { maxUpdateBytes } from '../../genki/federation/compression/update-codec.ts';
import { flatten, layoutOf, unflatten, type Layout } from '../../genki/federation/layout.ts';
import { encodeMerged } from '../../genki/federation/merged-dama.ts';
import { checkDigest, openUpdate, type SliceBlocks, type WindowTerms } from '../../genki/federation/window-model.ts';
import { stateDigest, type WindowState } from '../../genki/federation/window-state.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { verifyManifest } from '../../genki/protocol/manifest.ts';
import { decodeSafetensors, encodeSafetensors } from '../../genki/protocol/safetensors.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { LoadedDama, ModelCache } from './model-cache.ts';

const MOMENTUM = 'momentum';
/** More than stands before one tensor. */
const MAX_HEADER_BYTES = 1024;
const MAX_CONFIG_BYTES = 2 ** 20;
const MAX_MANIFEST_BYTES = 2 ** 20;

/** What windows go on from: a model that was kept, or a Dama as it is. */
export type Base = { readonly dama: Dama; readonly momentum: ObjectRef | null; /** null: whatever it is */ readonly digest: string | null };
export type LoadedState = { readonly loaded: LoadedDama; readonly layout: Layout; readonly model: OuterState; readonly digest: string };

/** @throws {BadSubmission} when it is another model than its digest says */
export async function loadState({ store, cache }: { store: ObjectStore; cache: ModelCache }, { dama, momentum, digest: expected }: Base): Promise<LoadedState> {
  const loaded = await cache.dama(dama);
  const layout = layoutOf(loaded.music);
  const model = { weights: flatten(layout, loaded.weights), momentum: momentum && (await readMomentum(store, momentum, layout)) };
  const digest = stateDigest(model.weights, model.momentum);
  if (expected !== null) checkDigest(digest, expected, 'that was kept');
  return { loaded, layout, model, digest };
}

async function readMomentum(store: ObjectStore, ref: ObjectRef, { size }: Layout): Promise<Float32Array> {
  // the reference may be a leader's: what it says of its length is no limit
  const { tensors } = decodeSafetensors(await store.get(ref, { maxBytes: 4 * size + MAX_HEADER_BYTES }), { maxTensors: 1, maxElements: size });
  const data = tensors.get(MOMENTUM)?.data;
  if (!(data instanceof Float32Array) || data.length !== size) throw new BadSubmission(`Expected a momentum of ${size} values in ${ref.key}, got ${data?.length ?? 'none'}`);
  return data;
}

/** Where a model is kept. */
export type Shelf = { readonly bucket: string; readonly prefix: string };

/** Keeps a model under its own digest's name: the same one again is the same objects. */
export async function keepState(store: ObjectStore, { loaded, layout, model, digest }: LoadedState, { from, bucket, prefix }: Shelf & { readonly from: Base }): Promise<WindowState> {
  const name = `${prefix}/${Buffer.from(digest, 'base64').toString('hex').slice(0, 32)}`;
  const { digest: content, file } = encodeMerged(loaded.weights, unflatten(layout, model.weights));
  const weights = await store.putOnce(bucket, `${name}/model.safetensors`, file);
  const config = await store.putOnce(bucket, `${name}/config.json`, await store.get(from.dama.config, { maxBytes: MAX_CONFIG_BYTES }));
  const momentum = model.momentum && (await store.putOnce(bucket, `${name}/momentum.safetensors`, encodeSafetensors(new Map([[MOMENTUM, { dtype: 'F32', shape: [layout.size], data: model.momentum }]]))));
  return { digest, dama: { ...from.dama, digest: content, weights, config }, momentum };
}

/** What a peer disclosed, and where it signed for it. */
export type PeerUpdate = { readonly hotkey: string; readonly ref: ObjectRef; readonly manifest: ObjectRef };

/**
 * A peer's update, decoded.
 * @throws {BadSubmission} {ChecksumMismatch} {ObjectMissing} {TooLarge} {NewerSchema}
 */
export async function readUpdate(store: ObjectStore, { hotkey, ref, manifest }: PeerUpdate, { terms: { codec }, layout, blocks, competition }: { readonly terms: WindowTerms; readonly layout: Layout; readonly blocks: SliceBlocks | undefined; /** digest */ readonly competition: string }): Promise<Float32Array> {
  const file = await store.get(ref, { maxBytes: maxUpdateBytes(codec, layout) });
  const root = codec.kind === 'slice' ? verifyManifest(await store.get(manifest, { maxBytes: MAX_MANIFEST_BYTES }), { kind: 'window', hotkey, competition }, verifySignature).root : undefined;
  return openUpdate({ file, root, blocks }, { codec, layout });
}
