import { rebase } from '../genki/federation/lora/rebase.ts';
import { startOf } from '../genki/federation/lora/start.ts';
import { rebaseVerdict, type BaseVersion } from '../genki/federation/lora/lineage.ts';
import { nameBase } from '../genki/federation/relayed-adapter.ts';
import { initialAdapter } from '../genki/music/adapted-net.ts';
import type { MusicConfig } from '../genki/music/config.ts';
import { adapterConfigJson, decodeAdapter, encodeAdapter, type Adapter } from '../genki/music/lora.ts';
import type { BaseRecord } from '../genki/protocol/base-record.ts';
import type { Competition } from '../genki/protocol/competition.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { Random } from '../genki/protocol/random.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import type { HubAdapter } from './adapter-versions.ts';
import { frozenKey } from './last-accepted.ts';
import type { Waiting } from './late-results.ts';
import { plainText } from './plain-text.ts';

export type Rebasing = { readonly one: Waiting; /** digest of the new base */ readonly to: string; readonly lineage: readonly BaseVersion[]; readonly music: MusicConfig; readonly competition: Competition };

/** A late result for a new base: written anew where that is exact, else to be trained again. */
export async function rebased(store: ObjectStore, of: HubAdapter, { one, to, lineage, music, competition: { lora, limits } }: Rebasing): Promise<BaseRecord['rebased'][number]> {
  const { sha256: late } = one.late.adapter;
  const verdict = rebaseVerdict({ from: one.base, to, lineage });
  const open = async (sha256: string): Promise<Adapter> => decodeAdapter(await store.getByKey(of.bucket, frozenKey(sha256), { maxBytes: limits.adapterBytes }), { music, lora });
  const own = await open(one.adapter.sha256);
  if (verdict.kind === 're-refine') {
    // the base has the version in it that it was made from, or one that came of it
    const parts = [{ adapter: own, weight: 1 }, ...(one.parent ? [{ adapter: await open(one.parent.sha256), weight: -1 }] : [])];
    const { adapter, error } = startOf(parts, initialAdapter(music, lora, new Random(`again/${late}`)));
    const file = nameBase(encodeAdapter(adapter), to);
    const start = await store.putOnce(of.bucket, `adapters/${of.adapterId}/again/${sha256Hex(file)}.safetensors`, file);
    return { kind: 're-refine', adapter: late, reason: plainText(verdict.reason), start, error: error.overall };
  }
  const merged = await Promise.all(verdict.merged.map(async ({ adapter, weight }) => ({ adapter: await open(adapter), weight })));
  const { adapter } = rebase({ adapter: own, merged });
  const file = nameBase(encodeAdapter(adapter), to);
  const name = `adapters/${of.adapterId}/rebased/${sha256Hex(file)}`;
  await store.putOnce(of.bucket, `${name}.json`, new TextEncoder().encode(adapterConfigJson(adapter.config, to)));
  const ranks = [...adapter.layers.values()].map(({ rank }) => rank);
  return { kind: 'exact', adapter: late, file: await store.putOnce(of.bucket, `${name}.safetensors`, file), rank: Math.max(...ranks) };
}
