import { createGpuActivities } from '../../../activities/gpu.ts';
import { createLateResultActivities } from '../../../activities/late-results.ts';
import { createLeaseActivities } from '../../../activities/lease.ts';
import { createJobs, type JobKind, type Jobs } from '../../../activities/model/jobs.ts';
import { createBaseActivities, createPretrainingActivities } from '../../../activities/pretraining.ts';
import { createPromotionActivities, createVersionActivities } from '../../../activities/promotion.ts';
import { createRelayWindowActivities } from '../../../activities/relay-window.ts';
import type { Deployment } from '../../../activities/deployment.ts';
import type { Runners } from '../../../activities/run-job.ts';
import { RunnerCrashed } from '../../../genki/errors.ts';
import type { Chain } from '../../../genki/chain/chain.ts';
import { createSigner } from '../../../genki/chain/keys.ts';
import { defaultGenesis } from '../../../genki/chain/local/genesis.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import { nameBase } from '../../../genki/federation/relayed-adapter.ts';
import { initialAdapter } from '../../../genki/music/adapted-net.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { encodeAdapter } from '../../../genki/music/lora.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { competitionDigest, readCompetition, type Competition } from '../../../genki/protocol/competition.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { RUBY_RELAY } from '../../../genki/protocol/ruby-relay.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectRef, ObjectStore } from '../../../genki/store/object-store.ts';
import { CPU_QUEUE, GPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../../workflows/queues.ts';
import { beating } from '../../../workers/beating.ts';
import { createHubDesk, type RelayDesk } from '../../../workers/hub/desk.ts';
import { actor, bytesOf, participant, type Actor } from '../../activities/support/federation.ts';
import { BLOCK_MS, type TestNetwork } from './network.ts';

/** Plays what the composer writes, badly. */
const TINY: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['dungeon', 'town'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};

export type RelayTiming = NonNullable<Competition['relay']>['timing'];

/** One competition for each hub: its id is the adapter's. */
export const relayOf = (id: string, timing: RelayTiming): Competition => readCompetition({
  ...RUBY_RELAY,
  id,
  lora: { rank: 2, alpha: 4, targets: ['q_proj', 'fc1'], rslora: false },
  training: { ...RUBY_RELAY.training, hyper: { ...RUBY_RELAY.training.hyper, steps: 3, batch: 2 }, replayRows: 1, replay: { ...RUBY_RELAY.training.replay, clips: 1 } },
  holdOut: { ...RUBY_RELAY.holdOut, A: { perPrivateStyle: 2, perBaseStyle: 2 } },
  timing: { ...RUBY_RELAY.timing, windowBlocks: 1_000_000 },
  relay: { timing, tolerance: 0.02, maxCandidates: 4 },
});

/** A hub with the workers that it needs, in this process; the models are tiny, and the steps those of every network. */
export type RelayHub = {
  readonly hub: Actor;
  readonly desk: RelayDesk;
  /** A desk whose leases have other times. */
  deskWith(timing: RelayTiming, promotionMs?: number): RelayDesk;
  readonly deployment: Deployment;
  readonly store: ObjectStore;
  readonly chain: Chain;
  readonly chainUrl: string;
  /** What is done before an object is written, or read, by its bucket and key. */
  readonly before: { put: (bucket: string, key: string) => Promise<void>; putDone: (bucket: string, key: string) => Promise<void>; get: (ref: ObjectRef) => Promise<void> };
  /** An adapter that hardly changes anything, or much, in somebody's bucket; its file says whose it is. */
  adapter(by: string, size?: number, base?: string): Promise<ObjectRef>;
};

export async function startRelayHub(network: TestNetwork, { id, timing, miners }: { id: string; timing: RelayTiming; miners: readonly Actor[] }): Promise<RelayHub> {
  const hub = actor('hub');
  const competition = relayOf(id, timing);
  const root = `${network.home}/store`;
  const folder = createFolderStore(root);
  const before: RelayHub['before'] = { put: async () => undefined, putDone: async () => undefined, get: async () => undefined };
  const store: ObjectStore = {
    ...folder,
    async putOnce(bucket, key, body) {
      await before.put(bucket, key);
      const ref = await folder.putOnce(bucket, key, body);
      await before.putDone(bucket, key);
      return ref;
    },
    async get(ref, options) {
      await before.get(ref);
      return await folder.get(ref, options);
    },
  };
  const weights = initialWeights(TINY, new Random('base'));
  const genesisDama = { digest: contentDigest(weights), weights: await folder.putOnce('genesis', 'model.safetensors', encodeSafetensors(weights)), config: await folder.putOnce('genesis', 'config.json', bytesOf(JSON.stringify(TINY))) };
  const deployment: Deployment = { competition, competitionDigest: competitionDigest(competition), genesisDama, blockMs: BLOCK_MS, hub: { hotkey: hub.hotkey } };
  const owner = createSigner('//owner').hotkey;
  const neurons = [hub, ...miners].map(({ hotkey }) => ({ hotkey, coldkey: hotkey, stake: '0', validatorPermit: false }));
  const { chain, url: chainUrl } = await network.startChain(defaultGenesis({ owner, tempo: 50_000, commitmentSpace: 100_000, neurons }));

  const engine = await createOnnxEngine({ threads: 1 });
  network.also(() => Promise.resolve(engine.dispose()));
  const jobs = createJobs({ engine, store: folder });
  let turn: Promise<unknown> = Promise.resolve();
  const runners: Runners = {
    // one after the other, as a runner does
    async run<K extends JobKind>(kind: K, input: Jobs[K]['input']): Promise<Jobs[K]['output']> {
      const run = turn.catch(() => undefined).then(async () => await (jobs[kind] as (input: Jobs[K]['input'], control: { progress: () => Promise<boolean> }) => Promise<Jobs[K]['output'] | undefined>)(input, { progress: async () => true }));
      turn = run;
      const output = await run;
      if (output === undefined) throw new RunnerCrashed('stopped');
      return output;
    },
  };
  const participants = async () => [participant(hub, 'hub'), ...miners.map((one) => participant(one, 'miner'))];
  const deps = { chain, store, deployment, participants };
  await network.work({ taskQueue: CPU_QUEUE, interceptors: { activity: [beating] }, activities: { ...createPromotionActivities(deps), ...createRelayWindowActivities(deps), ...createLateResultActivities(deps), ...createPretrainingActivities(deps), ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }) } });
  await network.work({ taskQueue: GPU_QUEUE, activities: createGpuActivities({ runners }) });
  await network.work({ taskQueue: walletQueue(hub.hotkey), activities: { ...createVersionActivities({ signer: hub }), ...createBaseActivities({ signer: hub }) } });
  const deskWith = (times: RelayTiming, promotionMs?: number): RelayDesk =>
    createHubDesk({ temporal: network.client, workflowQueue: WORKFLOW_QUEUE, store, deployment: { ...deployment, competition: relayOf(id, times) }, hub, ...(promotionMs !== undefined && { promotionMs }) });
  return {
    hub, desk: deskWith(timing), deskWith, deployment, store, chain, chainUrl, before,
    adapter: async (by, size = 0.001, base = genesisDama.digest) => {
      const random = new Random(`${by} ${size}`);
      const adapter = initialAdapter(TINY, competition.lora, random);
      for (const { b } of adapter.layers.values()) b.forEach((_, i) => (b[i] = size * random.normal()));
      const { tensors, metadata } = decodeSafetensors(nameBase(encodeAdapter(adapter), base));
      return await folder.putOnce(by, `adapters/${size}-${base.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 8)}.safetensors`, encodeSafetensors(tensors, { ...metadata, author: by }));
    },
  };
}
