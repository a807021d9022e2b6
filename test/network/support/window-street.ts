import { createClosingActivities } from '../../../activities/closing.ts';
import { createDeltaWindowActivities } from '../../../activities/delta-window.ts';
import { createGpuActivities } from '../../../activities/gpu.ts';
import { createLeaseActivities } from '../../../activities/lease.ts';
import { createJobs, type JobKind, type Jobs } from '../../../activities/model/jobs.ts';
import type { Runners } from '../../../activities/run-job.ts';
import { createSealedKeyActivities } from '../../../activities/sealed-key.ts';
import { createSubmitActivities } from '../../../activities/submit.ts';
import { createWalletActivities } from '../../../activities/wallet.ts';
import { createWindowActivities } from '../../../activities/window.ts';
import { RunnerCrashed } from '../../../genki/errors.ts';
import type { Chain } from '../../../genki/chain/chain.ts';
import { createSigner } from '../../../genki/chain/keys.ts';
import { createDevChain } from '../../../genki/chain/local/dev-chain.ts';
import { defaultGenesis } from '../../../genki/chain/local/genesis.ts';
import { createOnnxEngine } from '../../../genki/engine/onnx/onnx-engine.ts';
import type { PrivacyConfig } from '../../../genki/federation/privacy/privacy-config.ts';
import type { MusicConfig } from '../../../genki/music/config.ts';
import { initialWeights } from '../../../genki/music/weights.ts';
import { competitionDigest, readCompetition, type Competition } from '../../../genki/protocol/competition.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { RUBY_WINDOWS } from '../../../genki/protocol/ruby-windows.ts';
import { contentDigest, encodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { createFolderStore } from '../../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../../genki/store/object-store.ts';
import { beating } from '../../../workers/beating.ts';
import { CPU_QUEUE, GPU_QUEUE, walletQueue, WORKFLOW_QUEUE } from '../../../workflows/queues.ts';
import { actor, bytesOf, participant, type Actor } from '../../activities/support/federation.ts';
import { BLOCK_MS, type TestNetwork } from './network.ts';

/** Plays what the composer writes, badly. */
const TINY: MusicConfig = {
  decoder: { vocabSize: 64, hiddenSize: 8, numLayers: 1, numHeads: 1, ffnDim: 8, numCodebooks: 4, maxPositions: 131 },
  text: { kind: 'words', words: ['dungeon', 'town'], hiddenSize: 4, maxWords: 4 },
  codec: { kind: 'apu', frameRate: 12, frames: 128 },
};
export const WINDOW_BLOCKS = 40;

/** The embedded network's windows over a tiny model; of forty blocks, which come when the test asks. */
export const tinyWindows: Competition = readCompetition({
  ...RUBY_WINDOWS,
  training: { ...RUBY_WINDOWS.training, hyper: { ...RUBY_WINDOWS.training.hyper, steps: 2, batch: 2 }, replayRows: 1, replay: { ...RUBY_WINDOWS.training.replay, clips: 1 } },
  delta: { ...RUBY_WINDOWS.delta!, pages: { ...RUBY_WINDOWS.delta!.pages!, clips: 1, perWindow: 2 }, timing: { uploadBlocks: 4, revealBlocks: 6, successionBlocks: 6, checkpointWindows: 2 }, scoring: { own: 2, perStyle: 1 } },
  timing: { ...RUBY_WINDOWS.timing, windowBlocks: WINDOW_BLOCKS },
});

/** A job that a runner of this process was given. */
export type Ran = { readonly kind: JobKind; readonly input: unknown };

/** A network of windows in this process: a chain whose blocks come when they are asked for, and all workers. */
export type WindowStreet = {
  readonly store: ObjectStore;
  readonly chain: Chain;
  /** Oldest first. */
  readonly ran: readonly Ran[];
  /** What is done before an object is written, by its bucket and key. */
  readonly before: { put: (bucket: string, key: string) => Promise<void> };
  produce(blocks: number): Promise<void>;
  /** Until this block is final. */
  reach(block: number): Promise<void>;
};

export async function startWindowStreet(network: TestNetwork, { validators, miners, privacy = {}, competition = tinyWindows }: { validators: readonly Actor[]; miners: readonly Actor[]; /** by name */ privacy?: Readonly<Record<string, PrivacyConfig>>; competition?: Competition }): Promise<WindowStreet> {
  const folder = createFolderStore(`${network.home}/store`);
  const before: WindowStreet['before'] = { put: async () => undefined };
  const store: ObjectStore = { ...folder, putOnce: async (bucket, key, body, options) => { await before.put(bucket, key); return await folder.putOnce(bucket, key, body, options); } };
  const weights = initialWeights(TINY, new Random('base'));
  const genesisDama = { digest: contentDigest(weights), weights: await folder.putOnce('genesis', 'model.safetensors', encodeSafetensors(weights)), config: await folder.putOnce('genesis', 'config.json', bytesOf(JSON.stringify(TINY))) };
  const deployment = { competition, competitionDigest: competitionDigest(competition), genesisDama, blockMs: BLOCK_MS };
  const neurons = [...validators, ...miners].map((one) => ({ hotkey: one.hotkey, coldkey: one.hotkey, stake: validators.includes(one) ? '10000000000' : '0', validatorPermit: validators.includes(one) }));
  const { chain, url } = await network.startChain(defaultGenesis({ owner: createSigner('//owner').hotkey, tempo: 50_000, commitmentSpace: 100_000, neurons }), { blockMs: 0 });
  const dev = createDevChain({ url });
  network.also(() => dev.close());
  const { runners, ran } = await openRunners(network, folder);
  const participants = async () => [...validators.map((one) => participant(one, 'validator')), ...miners.map((one) => participant(one, 'miner', privacy[one.name] ? { privacy: privacy[one.name] } : {}))];
  const deps = { chain, store, deployment, participants, defaultHotkey: undefined };
  await network.work({
    taskQueue: CPU_QUEUE,
    interceptors: { activity: [beating] },
    activities: { ...createWindowActivities(deps), ...createDeltaWindowActivities(deps), ...createClosingActivities(deps), ...createLeaseActivities({ workflowQueue: WORKFLOW_QUEUE }), ...createSubmitActivities({ workflowQueue: WORKFLOW_QUEUE }) },
  });
  await network.work({ taskQueue: GPU_QUEUE, activities: createGpuActivities({ runners }) });
  for (const signer of [...validators, ...miners]) await network.work({ taskQueue: walletQueue(signer.hotkey), activities: { ...createWalletActivities({ chain, signer, blockMs: BLOCK_MS }), ...createSealedKeyActivities({ store, signer }) } });
  const produce = async (blocks: number): Promise<void> => void (await dev.produceBlocks(blocks));
  const head = async (): Promise<number> => (await chain.head()).number;
  return {
    store, chain, ran, before, produce,
    reach: async (block) => {
      while ((await head()) < block) await produce(1);
    },
  };
}

/** One after the other, as a runner does. */
async function openRunners(network: TestNetwork, store: ObjectStore): Promise<{ runners: Runners; ran: Ran[] }> {
  const engine = await createOnnxEngine({ threads: 1 });
  network.also(() => Promise.resolve(engine.dispose()));
  const jobs = createJobs({ engine, store });
  const ran: Ran[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  const runners: Runners = {
    async run<K extends JobKind>(kind: K, input: Jobs[K]['input']): Promise<Jobs[K]['output']> {
      ran.push({ kind, input });
      const run = turn.catch(() => undefined).then(async () => await (jobs[kind] as (input: Jobs[K]['input'], control: { progress: () => Promise<boolean> }) => Promise<Jobs[K]['output'] | undefined>)(input, { progress: async () => true }));
      turn = run;
      const output = await run;
      if (output === undefined) throw new RunnerCrashed('stopped');
      return output;
    },
  };
  return { runners, ran };
}

export const people = (...names: readonly string[]): Actor[] => names.map(actor);
