import * as z from 'zod';
import type { Chain, Signer } from '../genki/chain/chain.ts';
import { checkMeasurable } from '../genki/data/held-out.ts';
import { ChecksumMismatch, InvalidInput } from '../genki/errors.ts';
import { baseKey, lineageOf, signBaseRecord, standingBases, type BaseRecord } from '../genki/protocol/base-record.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import type { ObjectStore } from '../genki/store/object-store.ts';
import { newestVersion, type HubAdapter } from './adapter-versions.ts';
import { copyDama } from './copy-dama.ts';
import type { Deployment } from './deployment.ts';
import { standing, type Waiting } from './late-results.ts';
import type { MergedBase, MergeBaseInput } from './model/merge-base.ts';
import type { Pretrained, PretrainInput } from './model/pretrain.ts';
import { parseInput } from './parse-input.ts';
import { participantOf, type Participant } from './participants.ts';
import { PRETRAINING, prunePretraining } from './prune-pretraining.ts';
import { rebased } from './rebased.ts';
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

const BaseRollbackInput = z.strictObject({
  hotkey: PretrainingInput.shape.hotkey,
  /** Sequence of an earlier base, 0 for the one that the competition began with; default: the one before the newest. */
  to: z.int().nonnegative().optional(),
});
export type BaseRollbackInput = z.input<typeof BaseRollbackInput>;

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
      const last = standingBases(records).findLast((record) => record.run.name === name)?.run;
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
      return { ...record, rebased: await Promise.all(left.map((one) => rebased(store, of, { one, to: record.dama.digest, lineage, music, competition }))) };
    },

    /** The next base, with the content of an earlier one; and where it goes. */
    async draftBaseRollback(input: unknown): Promise<{ readonly bucket: string; readonly record: BaseRecord }> {
      const { hotkey, to: asked } = parseInput(BaseRollbackInput, input, 'rollBackBase');
      const { hotkey: hub, bucket } = participantOf(await participants(), 'hub', hotkey);
      const records = await baseRecords(store, { hub, bucket, adapterId });
      const newest = records.at(-1);
      // twice in a row is two steps back, not one back and one forth
      const to = asked ?? (newest?.rolledBackTo ?? newest?.sequence ?? 0) - 1;
      const earlier = records.find(({ sequence }) => sequence === to);
      if (!newest || to >= newest.sequence || (to !== 0 && !earlier)) throw new InvalidInput(`Expected a base of ${adapterId} before the newest one, ${newest?.sequence ?? 0}, ${asked === undefined ? 'there is none' : `got ${to}`}`);
      const dama = earlier?.dama ?? genesisDama;
      if (dama.digest === newest.dama.digest) throw new InvalidInput(`Expected another base of ${adapterId} than the newest one, ${newest.sequence}, got ${to}, which is the same`);
      const run = earlier?.run ?? { name: newest.run.name, step: 0, steps: newest.run.steps, checkpoint: null };
      const { number: block } = await chain.head();
      const record: BaseRecord = { version: 1, competition: competitionDigest, adapterId, hotkey: hub, sequence: newest.sequence + 1, previous: newest.dama.digest, dama, steps: [], run, mergedUntil: earlier?.mergedUntil ?? 0, losses: {}, rebased: [], block, rolledBackTo: earlier?.rolledBackTo ?? to };
      return { bucket, record };
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

const finite = (loss: number | undefined): number | null => (Number.isFinite(loss) ? loss! : null);
