import { junk, noisyCopy, truncated } from '../../genki/federation/attacks.ts';
import { readMusicConfig } from '../../genki/music/config.ts';
import { decodeAdapter, encodeAdapter, type Adapter } from '../../genki/music/lora.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { Random } from '../../genki/protocol/random.ts';
import type { ObjectRef } from '../../genki/store/object-store.ts';
import type { Connected } from '../connect.ts';
import type { DISHONEST } from '../embedded/provision.ts';

export type Dishonest = (typeof DISHONEST)[number];

/** Whose work each of them starts from. */
export const VICTIMS: Readonly<Record<Dishonest, string>> = { 'byte-copier': 'victory', 'noisy-copier': 'march', junk: 'swing', broken: 'dungeon' };

/**
 * What a dishonest miner hands in, made from what an honest one has published.
 * @returns where it lies: the byte copier simply names its victim's file
 */
export async function forge({ store, deployment }: Connected, { name, victim }: { name: Dishonest; victim: ObjectRef }): Promise<ObjectRef> {
  if (name === 'byte-copier') return victim;
  const bytes = await store.get(victim, { maxBytes: victim.bytes });
  const config = await store.get(deployment.genesisDama.config, { maxBytes: 2 ** 20 });
  const music = readMusicConfig(JSON.parse(new TextDecoder().decode(config)));
  const honest = decodeAdapter(bytes, { music, lora: deployment.competition.lora });
  const random = new Random(`${name}/${victim.sha256}`);
  const forged = name === 'broken' ? truncated(bytes) : encodeAdapter(changed(name, honest, random));
  return await store.putOnce(`${name}-private`, `forged/${sha256Hex(forged)}.safetensors`, forged);
}

const changed = (name: 'noisy-copier' | 'junk', honest: Adapter, random: Random): Adapter => (name === 'junk' ? junk(honest, random) : noisyCopy(honest, random));
