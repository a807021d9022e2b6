import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deployment } from '../../activities/deployment.ts';
import { createJobs } from '../../activities/model/jobs.ts';
import { roundPlan, SEED_LABELS } from '../../activities/round-plan.ts';
import type { RoundPlan } from '../../activities/round.ts';
import { handIn, type Ground, type HandedIn, type Miner } from '../../genki/attacks/hand-in.ts';
import { createSigner } from '../../genki/chain/keys.ts';
import type { Engine } from '../../genki/engine/engine.ts';
import { readMusicConfig } from '../../genki/music/config.ts';
import { encodeAdapter, type Adapter } from '../../genki/music/lora.ts';
import { competitionDigest, type Competition } from '../../genki/protocol/competition.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { contentDigest, decodeSafetensors } from '../../genki/protocol/safetensors.ts';
import { SECRET_BYTES } from '../../genki/protocol/sealing.ts';
import { createFolderStore } from '../../genki/store/folder-store.ts';
import type { ObjectStore } from '../../genki/store/object-store.ts';
import { Turns } from '../../genki/store/turns.ts';
import { lay } from './lay.ts';
import { shard, train, type Workshop } from './miners.ts';
import { Once } from './once.ts';
import { type Commit, validator } from './street.ts';

/** An honest miner, and what it has handed in. */
export type Honest = { readonly name: string; readonly miner: Miner; readonly adapter: Adapter; readonly handed: HandedIn };

/** An epoch that attacks are played in: its round, and who takes part honestly. */
export type Epoch = { readonly plan: RoundPlan; readonly workshop: Workshop; readonly on: Ground; readonly honest: readonly Honest[]; /** what the validator stands for since the epoch before */ readonly standing?: Commit };

/** Everything that all scenarios share. */
export type Stage = {
  /** The store's folder. */
  readonly root: string;
  readonly store: ObjectStore;
  readonly engine: Engine;
  readonly deployment: Deployment;
  readonly jobs: ReturnType<typeof createJobs>;
  readonly once: Once;
  readonly cacheDir: string;
  readonly note: (line: string) => void;
};

export type StageOptions = Pick<Stage, 'root' | 'engine' | 'cacheDir' | 'note'> & { readonly competition: Competition; /** folder of the Dama to begin with */ readonly dama: string };

const HUB = 'hub';
/** Whose round it is, and its bucket. */
export const VALIDATOR = 'validator';

export async function openStage({ competition, dama, ...of }: StageOptions): Promise<Stage> {
  const store = createFolderStore(of.root);
  const weights = await readFile(join(dama, 'model.safetensors'));
  const genesisDama: Dama = {
    digest: contentDigest(decodeSafetensors(weights).tensors),
    weights: await store.putOnce(HUB, 'genesis/model.safetensors', weights),
    config: await store.putOnce(HUB, 'genesis/config.json', await readFile(join(dama, 'config.json'))),
  };
  const deployment: Deployment = { competition, competitionDigest: competitionDigest(competition), genesisDama, blockMs: 1000 };
  return { ...of, store, deployment, jobs: inTurns(createJobs({ engine: of.engine, store })), once: new Once() };
}

type Jobs = ReturnType<typeof createJobs>;

/** As a runner does them: one job at a time has the models that they share. */
function inTurns(jobs: Jobs): Jobs {
  const turns = new Turns();
  const waiting = Object.entries(jobs).map(([name, job]) => [name, (...of: Parameters<typeof job>) => turns.take('model', undefined, () => (job as (...given: unknown[]) => Promise<unknown>)(...of))]);
  return Object.fromEntries(waiting) as Jobs;
}

/** A hotkey with a bucket and a secret of its own, the same for the same name. */
export const minerNamed = (name: string): Miner => ({ signer: createSigner(`//${name}`), bucket: name.replaceAll('.', '-'), secret: Buffer.from(sha256Hex(new TextEncoder().encode(name)).repeat(2), 'hex').subarray(0, SECRET_BYTES) });

/** The seeds of an epoch are the same in every run, so that who is there in all scenarios is measured once. */
export const seedOfEpoch = (epoch: number, label: string): string => `attack-suite/${epoch}/${label}`;

/** An epoch on a Dama: one honest miner a private style trains on it and hands in. */
export async function openEpoch(stage: Stage, { number, standing, ...given }: { number: number; base: Dama } & Pick<RoundPlan, 'past' | 'lastScale'> & Pick<Epoch, 'standing'>): Promise<Epoch> {
  const { base } = given;
  const { deployment: { competition, competitionDigest: digest }, store, engine, cacheDir, note } = stage;
  const [endpoint] = Object.keys(competition.endpoints);
  const on: Ground = { competition: { id: competition.id, digest, endpoint: endpoint! }, base: base.digest };
  const { tensors } = decodeSafetensors(await store.get(base.weights, { maxBytes: base.weights.bytes }));
  const music = readMusicConfig(JSON.parse(new TextDecoder().decode(await store.get(base.config, { maxBytes: base.config.bytes }))));
  const workshop: Workshop = { engine, music, base: tensors, competition, cacheDir, onTrained: (name) => note(`trained ${name}`) };
  const honest: Honest[] = [];
  for (const style of competition.styles.private) {
    const adapter = await train(workshop, { name: style, clips: shard(style, `attack-suite/${number}`), seed: `attack-suite/${number}/${style}` });
    const miner = minerNamed(`${style}-${number}`);
    const handed = handIn(encodeAdapter(adapter), { by: miner, on });
    await lay(stage.root, handed);
    honest.push({ name: style, miner, adapter, handed });
  }
  return { plan: planOf(stage, { number, ...given }), workshop, on, honest, ...(standing && { standing }) };
}

function planOf({ deployment }: Stage, { number, ...given }: { number: number; base: Dama } & Pick<RoundPlan, 'past' | 'lastScale'>): RoundPlan {
  const plan = roundPlan(deployment, {
    ...given,
    hotkey: validator.hotkey,
    epoch: number,
    snapshot: { number: 1, hash: `0x${'0'.repeat(64)}` },
    seeds: Object.fromEntries(SEED_LABELS.map((label) => [label, seedOfEpoch(number, label)])),
    bucket: VALIDATOR,
    privateBucket: `${VALIDATOR}-private`,
    dryRun: true,
    deadlineMs: 60_000,
  });
  // the one policy that has a step of its own: with it everything is measured that any policy asks for
  return { ...plan, policy: { name: 'gradient-agreement', parameters: {} } };
}
