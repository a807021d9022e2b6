import { sealFile } from '../../activities/seal-file.ts';
import type { Participant } from '../../activities/participants.ts';
import type { Signer } from '../../genki/chain/chain.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { decodeUpdate, encodeUpdate } from '../../genki/federation/compression/update-codec.ts';
import type { Layout } from '../../genki/federation/layout.ts';
import { manifestCommit, signManifest, UPDATE_FILE, type WindowManifest } from '../../genki/protocol/manifest.ts';
import { keyFileOf, SECRET_BYTES, signKeyFile } from '../../genki/protocol/sealing.ts';
import { MAX_ENTRY_BYTES, openWindowEntry, windowKey, type WindowEntry } from '../../genki/protocol/window-log.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Connected } from '../connect.ts';

export type Poison = { readonly connected: Connected; readonly layout: Layout; readonly poisoner: Participant; readonly signer: Signer };

/** How far it goes the wrong way, in steps of everybody. */
const TIMES = -10;

/**
 * Hands in, for a window, ten times the opposite of what everybody did in the one before: by hand, as whoever wants to do
 * harm would, with nothing but its own key and what is public.
 * @param entry of the window before
 * @returns what discloses it once the window is over
 */
export async function poison({ connected: { store, deployment }, layout, poisoner, signer }: Poison, window: number, entry: WindowEntry): Promise<() => Promise<void>> {
  const { competition, competitionDigest } = deployment;
  const { codec } = competition.delta!;
  const sum = new Float32Array(layout.size);
  for (const { update } of entry.peers) {
    const values = decodeUpdate(codec, await store.get(update, { maxBytes: update.bytes }), layout);
    for (let i = 0; i < sum.length; i++) sum[i]! += (TIMES / entry.peers.length) * values[i]!;
  }
  const { hotkey, bucket, privateBucket } = poisoner;
  const { file, content, secret } = await sealFile(store, encodeUpdate(codec, sum).file, { hotkey, competition: competitionDigest, window, bucket, privateBucket, folder: 'updates' });
  const body: WindowManifest = { version: 1, kind: 'window', run: 'by hand', competition: competitionDigest, hotkey, base: entry.after, window, files: [{ name: UPDATE_FILE, ref: file, content }] };
  const manifest = signManifest(body, signer);
  await store.putOnce(bucket, windowKey(competition.id, window), manifest);
  const commit = manifestCommit(manifest);
  const key = signKeyFile({ manifest: commit, secret: await store.getByKey(secret.bucket, secret.key, { maxBytes: SECRET_BYTES }) }, signer);
  return async () => void (await store.putOnce(bucket, keyFileOf(commit), key));
}

/** A window's entry, as its leader has signed it. */
export async function readEntry({ store, deployment: { competitionDigest } }: Connected, { window, leader, ref }: { window: number; leader: string; ref: ObjectRef }): Promise<WindowEntry> {
  return openWindowEntry(await store.get(ref, { maxBytes: MAX_ENTRY_BYTES }), { hotkey: leader, competition: competitionDigest, window }, verifySignature);
}
