import { verifySignature } from '../genki/chain/keys.ts';
import { BadSubmission, InvalidInput } from '../genki/errors.ts';
import { startOf } from '../genki/federation/lora/start.ts';
import { nameBase } from '../genki/federation/relayed-adapter.ts';
import { initialAdapter } from '../genki/music/adapted-net.ts';
import { decodeAdapter, encodeAdapter } from '../genki/music/lora.ts';
import { MAX_VERSION_BYTES, openVersion } from '../genki/protocol/adapter-version.ts';
import type { Competition } from '../genki/protocol/competition.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import type { CurrentAdapter } from '../genki/protocol/hub.ts';
import { Random } from '../genki/protocol/random.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import type { Deployment } from './deployment.ts';
import type { TrainInput } from './model/train.ts';
import { forgetCheckpoints } from './model/training-progress.ts';
import type { Participant } from './participants.ts';
import { shortDigest } from './seal-file.ts';
import { musicOf } from './submission.ts';

/** A miner's turn with an adapter that is passed on: all of it but what only the hub knows. */
export type RelayWindow = {
  readonly hotkey: string;
  readonly netuid: number;
  readonly miner: string;
  readonly competition: string;
  readonly index: number;
  readonly lastBlock: number;
  readonly adapterId: string;
  readonly bucket: string;
  /** Where the miner keeps what nobody else reads. */
  readonly privateBucket: string;
  /** Between two renewals of the lease. */
  readonly checkMs: number;
  readonly recipe: Pick<TrainInput, 'dataset' | 'replay' | 'replayRows' | 'lora' | 'hyper'>;
};

export type RelayWindowDeps = { readonly store: ObjectStore; readonly deployment: Deployment };
export type RelayWindowActivities = ReturnType<typeof createRelayWindowActivities>;

/**
 * The turn of a miner in a competition whose adapter is relayed.
 * @param window the chain's current one
 * @throws {InvalidInput} when the miner has no music, or the competition relays nothing
 */
export function relayWindowOf(miner: Participant, { deployment, window, steps }: { deployment: Deployment; window: { readonly index: number; readonly last: number }; steps?: number | undefined }): RelayWindow {
  const { competition: { id, netuid, relay, lora, training: { hyper, replay, replayRows } } } = deployment;
  if (!relay) throw new InvalidInput(`Expected a competition whose adapter is relayed, ${id}'s is not`);
  const { name, hotkey, bucket, privateBucket, dataset } = miner;
  if (!dataset) throw new InvalidInput(`Expected a dataset of ${name} in the participants file, got none`);
  const recipe = { dataset: dataset.ref, replay, replayRows, lora, hyper: { ...hyper, steps: steps ?? hyper.steps } };
  return { hotkey, netuid, miner: name, competition: id, index: window.index, lastBlock: window.last, adapterId: id, bucket, privateBucket, checkMs: relay.timing.checkMs, recipe };
}

/** What a miner does with its own objects in a turn. */
export const createRelayWindowActivities = ({ store, deployment }: RelayWindowDeps) => ({
  /** The training from the current version, where it belongs to the current Dama, and from the late result that is handed out to be trained again; or from nothing. */
  async planTurn({ window, fence, current }: { window: RelayWindow; fence: number; current: CurrentAdapter }): Promise<TrainInput> {
    const { hotkey, adapterId, index, privateBucket: bucket, recipe } = window;
    const { dama: base, version, again } = current;
    const isOurs = version !== null && (await baseOf(store, version, { deployment, adapterId })) === base.digest;
    const parts = [...(isOurs ? [version.adapter] : []), ...(again?.base === base.digest ? [again.start] : [])];
    const seed = `${deployment.competitionDigest}/${hotkey}/${index}/${fence}`;
    const adapter = parts.length > 1 ? await together(store, parts, { base, seed, bucket, competition: deployment.competition }) : parts[0];
    const plan = { ...recipe, base, seed, ...(adapter && { adapter }) };
    const prefix = `training/${shortDigest(plan)}`;
    // of a large model a step takes minutes
    return { ...plan, bucket, prefix, checkpointEverySteps: recipe.hyper.checkpointing ? 1 : 10 };
  },

  /** A trained adapter in the miner's public bucket, with the Dama named that it belongs to. */
  async uploadTurn({ bucket, plan, adapter }: { bucket: string; plan: TrainInput; adapter: ObjectRef }): Promise<ObjectRef> {
    const file = nameBase(await store.get(adapter, { maxBytes: deployment.competition.limits.adapterBytes }), plan.base.digest);
    const uploaded = await store.putOnce(bucket, `adapters/${sha256Hex(file)}.safetensors`, file);
    await forgetCheckpoints(store, plan);
    return uploaded;
  },
});

/** Adapters for one base as one, in the competition's shape, to begin training with. */
async function together(store: ObjectStore, parts: readonly ObjectRef[], { base, seed, bucket, competition: { lora, limits } }: { base: Dama; seed: string; bucket: string; competition: Competition }): Promise<ObjectRef> {
  const music = await musicOf(store, { base });
  const adapters = await Promise.all(parts.map(async (part) => ({ adapter: decodeAdapter(await store.get(part, { maxBytes: limits.adapterBytes }), { music, lora }), weight: 1 })));
  const file = encodeAdapter(startOf(adapters, initialAdapter(music, lora, new Random(seed))).adapter);
  return await store.putOnce(bucket, `training/starts/${sha256Hex(file)}.safetensors`, file);
}

/** The Dama that a version belongs to, as the hub has signed it; `current` is only what its door says. */
async function baseOf(store: ObjectStore, { sequence, adapter, record }: NonNullable<CurrentAdapter['version']>, { deployment: { hub }, adapterId }: { deployment: Deployment; adapterId: string }): Promise<string> {
  if (!hub) throw new InvalidInput('Expected a hub in the deployment, got none');
  const version = openVersion(await store.get(record, { maxBytes: MAX_VERSION_BYTES }), { hotkey: hub.hotkey, adapterId, sequence }, verifySignature);
  if (version.adapter.sha256 !== adapter.sha256) throw new BadSubmission(`Expected version ${sequence} to be the adapter ${version.adapter.sha256}, got ${adapter.sha256}`);
  return version.base;
}
