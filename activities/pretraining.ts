import { getClient } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import * as z from 'zod';
import type { Chain, Signer } from '../genki/chain/chain.ts';
import { checkMeasurable } from '../genki/data/held-out.ts';
import { BadSubmission, ChecksumMismatch, faultOf, InvalidInput, StoreUnavailable } from '../genki/errors.ts';
import { nameBase, openRelayed } from '../genki/federation/relayed-adapter.ts';
import { rebase } from '../genki/federation/lora/rebase.ts';
import { rebaseVerdict } from '../genki/federation/lora/lineage.ts';
import type { MusicConfig } from '../genki/music/config.ts';
import { adapterConfigJson, decodeAdapter, encodeAdapter, type Adapter } from '../genki/music/lora.ts';
import { baseKey, lineageOf, signBaseRecord, type BaseRecord } from '../genki/protocol/base-record.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import { relayName, type Candidate, type RelayState } from '../genki/protocol/relay.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { newestVersion, readVersion, sequencesOf, type HubAdapter, type Versioned } from './adapter-versions.ts';
import { copyDama } from './copy-dama.ts';
import type { Deployment } from './deployment.ts';
import { frozenKey } from './last-accepted.ts';
import type { LateResult, MergedBase, MergeBaseInput } from './model/merge-base.ts';
import type { Pretrained, PretrainInput } from './model/pretrain.ts';
import { parseInput } from './parse-input.ts';
import { participantOf, type Participant } from './participants.ts';
import { plainText } from './plain-text.ts';
import { PRETRAINING, prunePretraining } from './prune-pretraining.ts';
import { baseRecords, readBaseRecord } from './relay-base.ts';
import { shortDigest } from './seal-file.ts';
import { musicOf } from './submission.ts';

const HOUR_MS = 3_600_000;

const PretrainingInput = z.strictObject({
  /** Hotkey or name of a hub of this machine; default: its first one. */
  hotkey: z.string().min(1).optional(),
  /** A run has one learning rate schedule, whatever the calls that it goes on in. */
  run: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/).default('base'),
  /** Of this call: nothing is trained after that. */
  budgetMs: z.int().min(1000).max(31 * 24 * HOUR_MS).default(HOUR_MS),
  /** Of the whole run, along half a cosine. */
  steps: z.int().min(1).max(10_000_000).default(10_000),
  learningRate: z.number().positive().max(1).default(5e-4),
});
export type PretrainingInput = z.input<typeof PretrainingInput>;

/** A late result as it waits: in the hub's own bucket, with what it was made for. */
export type Waiting = LateResult & { /** content digest */ readonly base: string; readonly candidate: string };

/** `unfit`: sha256 of candidates that nobody can ever merge. */
export type Gathered = Pick<PretrainingPlan, 'today' | 'version'> & { readonly waiting: readonly Waiting[]; readonly unfit: readonly string[] };

/** What a call starts from, complete. */
export type PretrainingPlan = {
  readonly hub: string;
  readonly adapterId: string;
  readonly bucket: string;
  readonly budgetMs: number;
  /** Of the newest base. */
  readonly sequence: number;
  readonly today: MergeBaseInput['today'];
  /** The adapter's newest version, 0 for none. */
  readonly version: number;
  readonly run: { readonly name: string; readonly step: number; readonly steps: number };
  readonly training: Omit<PretrainInput, 'until' | 'resume'>;
  readonly merging: Pick<MergeBaseInput, 'scales' | 'thresholds'>;
  readonly head: number;
};

export type PretrainingDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]> };
export type PretrainingActivities = ReturnType<typeof createPretrainingActivities>;
export type BaseActivities = ReturnType<typeof createBaseActivities>;

/** Steps between two checkpoints: a killed worker costs the small model some seconds. */
const CHECKPOINT_STEPS = 50;

export const createPretrainingActivities = ({ chain, store, deployment, participants }: PretrainingDeps) => {
  const { competition, competitionDigest, genesisDama } = deployment;
  const adapterId = competition.id;
  const bucketOf = async (hub: string): Promise<Participant> => participantOf(await participants(), 'hub', hub);

  return {
    /** The newest base and version, where the run had come to, and what this call is to do. */
    async resolvePretraining(input: unknown): Promise<PretrainingPlan> {
      const { hotkey, run: name, budgetMs, steps, learningRate } = parseInput(PretrainingInput, input, 'pretrainBase');
      if (competition.exchange !== 'relay') throw new InvalidInput(`Expected a competition whose adapter is relayed to train its base, ${competition.id}'s exchange is ${competition.exchange}`);
      checkMeasurable(competition.music);
      const { hotkey: hub, bucket, privateBucket } = participantOf(await participants(), 'hub', hotkey);
      const of: HubAdapter = { hub, bucket, adapterId };
      const records = await baseRecords(store, of);
      const newest = records.at(-1);
      const base = newest?.dama ?? genesisDama;
      const version = await newestVersion(store, of);
      const last = records.findLast((record) => record.run.name === name)?.run;
      if (last && last.steps !== steps && last.step > 0) throw new InvalidInput(`Expected the run ${name} to have ${last.steps} steps, as it began, got ${steps}: give another schedule another name`);
      const { hyper, replay } = competition.training;
      const seed = `${competitionDigest}/pretrain/${name}`;
      const recipe = { base, corpus: { styles: competition.styles.base, clips: replay.clips, seed: `${seed}/corpus` }, hyper: { ...hyper, learningRate, steps, warmup: Math.min(100, Math.floor(steps / 10)) }, seed, from: last?.checkpoint ?? null };
      return {
        hub,
        adapterId,
        bucket,
        budgetMs,
        sequence: newest?.sequence ?? 0,
        today: standing(base, version),
        version: version?.version.sequence ?? 0,
        run: { name, step: last?.step ?? 0, steps },
        training: { ...recipe, bucket: privateBucket, prefix: `${PRETRAINING}${shortDigest(recipe)}`, checkpointEverySteps: CHECKPOINT_STEPS },
        merging: { scales: competition.scales, thresholds: { acceptZ: competition.thresholds.acceptZ, tolerance: competition.relay!.tolerance, guardNats: competition.thresholds.guardNats } },
        head: (await chain.head()).number,
      };
    },

    /** The version that is current by now, as the relay goes on while the base is trained; and late results in the hub's own bucket, each checked. What can never be merged is named; what its author's bucket does not give just now waits for the next call. */
    async gatherLate({ hub, today }: Pick<PretrainingPlan, 'hub' | 'today'>): Promise<Gathered> {
      const { bucket } = await bucketOf(hub);
      const of: HubAdapter = { hub, bucket, adapterId };
      const music = await musicOf(store, today);
      const { lora, limits } = competition;
      const records = await baseRecords(store, of);
      const bases = new Set([genesisDama.digest, ...records.map(({ dama }) => dama.digest)]);
      const waiting: Waiting[] = [];
      const unfit: string[] = [];
      const newest = await newestVersion(store, of);
      for (const { adapter, parent } of [...(await candidatesOf(adapterId)), ...(await strays(store, of, records.at(-1)))]) {
        try {
          const bytes = await orAbsent(store.get(adapter, { maxBytes: limits.adapterBytes }), adapter.bucket !== bucket);
          if (bytes === undefined) continue;
          const { base, file } = openRelayed(bytes, { music, lora, maxNorm: limits.updateNorm, limits: { maxTensors: limits.adapterTensors, maxElements: limits.adapterElements } });
          // what its author calls a base goes into files of ours, and into the history
          if (!bases.has(base)) throw new BadSubmission('Expected an adapter of a base of this competition, got one of another');
          const before = parent === 0 ? undefined : (await readVersion(store, of, parent)).version;
          const frozen = await store.putOnce(bucket, frozenKey(sha256Hex(file)), file);
          waiting.push({ adapter: frozen, parent: before?.base === base ? before.adapter : null, base, candidate: adapter.sha256 });
        } catch (error) {
          if (!faultOf(error)) throw error;
          unfit.push(adapter.sha256);
        }
      }
      return { today: standing(today.base, newest), version: newest?.version.sequence ?? 0, waiting, unfit };
    },

    /** What the hub is going to sign, with every late result that was left written anew for the new base, where that is exact. */
    async draftBase({ plan, waiting, trained, merged, block }: { plan: PretrainingPlan; waiting: readonly Waiting[]; trained: Pretrained; merged: MergedBase; block: number }): Promise<BaseRecord> {
      const { hub, bucket, run, sequence, today, version } = plan;
      const of: HubAdapter = { hub, bucket, adapterId };
      const steps: BaseRecord['steps'] = [
        ...(trained.step > trained.from ? [{ kind: 'pretrain' as const, steps: trained.step - trained.from }] : []),
        ...(merged.parts.length > 0 ? [{ kind: 'merge' as const, parts: merged.parts.map(({ adapter, weight }) => ({ adapter: adapter.sha256, weight })) }] : []),
      ];
      const record: BaseRecord = {
        version: 1,
        competition: competitionDigest,
        adapterId,
        hotkey: hub,
        sequence: sequence + 1,
        previous: today.base.digest,
        // in the public bucket: anybody may train on it
        dama: await copyDama(store, merged.dama, { bucket, folder: `damas/${sha256Hex(new TextEncoder().encode(merged.dama.digest)).slice(0, 40)}` }),
        steps,
        run: { name: run.name, step: trained.step, steps: trained.steps, checkpoint: trained.checkpoint },
        mergedUntil: version,
        losses: Object.fromEntries(Object.keys(merged.losses.before).map((style) => [style, { before: finite(merged.losses.before[style]), after: finite(merged.losses.after[style]) }])),
        rebased: [],
        block,
      };
      const taken = new Set(merged.taken.map(({ index }) => index));
      const left = waiting.filter((_, index) => !taken.has(index));
      const lineage = lineageOf([...(await baseRecords(store, of)), record]);
      const music = await musicOf(store, { base: record.dama });
      return { ...record, rebased: await Promise.all(left.map((one) => rebasedFor(store, of, { one, to: record.dama.digest, lineage, music, competition }))) };
    },

    /** Keeps a signed record under its number. Another try may have, with a signature of its own: then that one is it. */
    async publishBase({ hub, text }: { hub: string; text: string }): Promise<BaseRecord> {
      const { bucket, privateBucket } = await bucketOf(hub);
      const { body } = JSON.parse(text) as { body: BaseRecord };
      try {
        await store.putOnce(bucket, baseKey(adapterId, body.sequence), new TextEncoder().encode(text));
        await prunePretraining(store, privateBucket, await baseRecords(store, { hub, bucket, adapterId }));
        return body;
      } catch (error) {
        if (!(error instanceof ChecksumMismatch)) throw error;
        const known = await readBaseRecord(store, { hub, bucket, adapterId }, body.sequence);
        if (canonicalJson(known) !== canonicalJson(body)) throw new ChecksumMismatch(`Expected base ${body.sequence} of ${adapterId} to be what is published now, there is another one`, { cause: error });
        return known;
      }
    },
  };
};

/** What a hub's key says of its bases. */
export const createBaseActivities = ({ signer }: { readonly signer: Signer }) => ({
  /** The signed record, UTF-8 text. */
  signBase: async (body: BaseRecord): Promise<string> => new TextDecoder().decode(signBaseRecord(body, signer)),
});

/** What came late, as the relay has it; none where there is no relay yet. */
async function candidatesOf(adapterId: string): Promise<readonly Pick<Candidate, 'adapter' | 'parent'>[]> {
  try {
    return (await getClient().workflow.getHandle(relayName(adapterId)).query<RelayState>('state')).candidates;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}

const standing = (base: Dama, newest: Versioned | undefined): PretrainingPlan['today'] => ({ base, adapter: newest?.version.base === base.digest ? newest.version.adapter : null });

/** Undefined where a stranger's bucket does not answer, or not to us: nobody else's work waits for that. */
async function orAbsent<T>(reading: Promise<T>, isStrangers: boolean): Promise<T | undefined> {
  return await reading.catch((error: unknown) => {
    if (isStrangers && error instanceof StoreUnavailable) return undefined;
    throw error;
  });
}

/** Versions that were published for the base before while the newest one was made: they are in no base yet. */
async function strays(store: ObjectStore, of: HubAdapter, newest: BaseRecord | undefined): Promise<Pick<Candidate, 'adapter' | 'parent'>[]> {
  if (!newest) return [];
  const found = [];
  for (const sequence of (await sequencesOf(store, of)).filter((number) => number > newest.mergedUntil)) {
    const { version } = await readVersion(store, of, sequence);
    if (version.base !== newest.dama.digest) found.push({ adapter: version.adapter, parent: version.parent });
  }
  return found;
}

type Rebasing = { readonly one: Waiting; /** digest of the new base */ readonly to: string; readonly lineage: ReturnType<typeof lineageOf>; readonly music: MusicConfig; readonly competition: Deployment['competition'] };

async function rebasedFor(store: ObjectStore, of: HubAdapter, { one, to, lineage, music, competition: { lora, limits } }: Rebasing): Promise<BaseRecord['rebased'][number]> {
  const verdict = rebaseVerdict({ from: one.base, to, lineage });
  if (verdict.kind === 're-refine') return { kind: 're-refine', adapter: one.candidate, reason: plainText(verdict.reason) };
  const open = async (sha256: string): Promise<Adapter> => decodeAdapter(await store.getByKey(of.bucket, frozenKey(sha256), { maxBytes: limits.adapterBytes }), { music, lora });
  const merged = await Promise.all(verdict.merged.map(async ({ adapter, weight }) => ({ adapter: await open(adapter), weight })));
  const { adapter } = rebase({ adapter: await open(one.adapter.sha256), merged });
  const file = nameBase(encodeAdapter(adapter), to);
  const name = `adapters/${of.adapterId}/rebased/${sha256Hex(file)}`;
  await store.putOnce(of.bucket, `${name}.json`, new TextEncoder().encode(adapterConfigJson(adapter.config, to)));
  const ranks = [...adapter.layers.values()].map(({ rank }) => rank);
  return { kind: 'exact', adapter: one.candidate, file: await store.putOnce(of.bucket, `${name}.safetensors`, file), rank: Math.max(...ranks) };
}

const finite = (loss: number | undefined): number | null => (Number.isFinite(loss) ? loss! : null);
