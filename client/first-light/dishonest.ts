import { truncated } from '../../genki/attacks/broken-files.ts';
import { junk } from '../../genki/attacks/junk.ts';
import { noisyCopy } from '../../genki/attacks/noisy-copy.ts';
import { readMusicConfig } from '../../genki/music/config.ts';
import { decodeAdapter, encodeAdapter, type Adapter } from '../../genki/music/lora.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { BadSubmission } from '../../genki/errors.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { ADAPTER_FILE, manifestCommit, verifyManifest } from '../../genki/protocol/manifest.ts';
import { Random } from '../../genki/protocol/random.ts';
import { keyFileOf, MAX_KEY_FILE_BYTES, openKeyFile, unseal } from '../../genki/protocol/sealing.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Connected } from '../connect.ts';
import type { DISHONEST } from '../embedded/provision.ts';

export type Dishonest = (typeof DISHONEST)[number];

/** Whose work each of them starts from. */
export const VICTIMS: Readonly<Record<Dishonest, string>> = { 'byte-copier': 'victory', 'noisy-copier': 'march', junk: 'swing', broken: 'dungeon' };

/** A submission that can be opened, since its key is public. */
export type Victim = { readonly hotkey: string; readonly manifest: ObjectRef };

/**
 * What a dishonest miner hands in, made from what an honest one has committed and opened: before that there is nothing to copy.
 * @returns where it lies, in its own private bucket
 */
export async function forge(connected: Connected, { name, victim }: { name: Dishonest; victim: Victim }): Promise<ObjectRef> {
  const { store, deployment } = connected;
  const bytes = await disclosed(connected, victim);
  const forged = await forgedFrom();
  return await store.putOnce(`${name}-private`, `forged/${sha256Hex(forged)}.safetensors`, forged);

  async function forgedFrom(): Promise<Uint8Array> {
    if (name === 'byte-copier') return bytes;
    if (name === 'broken') return truncated(bytes);
    const config = await store.get(deployment.genesisDama.config, { maxBytes: 2 ** 20 });
    const music = readMusicConfig(JSON.parse(new TextDecoder().decode(config)));
    const honest = decodeAdapter(bytes, { music, lora: deployment.competition.lora });
    return encodeAdapter(changed(name, honest, new Random(`${name}/${sha256Hex(bytes)}`)));
  }
}

/** What anybody can read of a submission whose key is public: its adapter. */
async function disclosed({ store, deployment }: Connected, { hotkey, manifest: ref }: Victim): Promise<Uint8Array> {
  const { limits } = deployment.competition;
  const competition = deployment.competitionDigest;
  const manifest = await store.get(ref, { maxBytes: limits.manifestBytes });
  const { files } = verifyManifest(manifest, { kind: 'adapter', hotkey, competition }, verifySignature);
  const file = files.find(({ name }) => name === ADAPTER_FILE);
  if (!file?.content) throw new BadSubmission(`Expected a sealed ${ADAPTER_FILE} of ${hotkey}, got none`);
  const commit = manifestCommit(manifest);
  const key = openKeyFile(await store.getByKey(ref.bucket, keyFileOf(commit), { maxBytes: MAX_KEY_FILE_BYTES }), { hotkey, manifest: commit }, verifySignature);
  return unseal(await store.get(file.ref, { maxBytes: file.ref.bytes }), key, { hotkey, competition, content: file.content });
}

const changed = (name: 'noisy-copier' | 'junk', honest: Adapter, random: Random): Adapter => (name === 'junk' ? junk(honest, random) : noisyCopy(honest, random));
