import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import * as z from 'zod';
import type { BlockRef, Chain, Metagraph } from '../genki/chain/chain.ts';
import { checkMeasurable } from '../genki/data/held-out.ts';
import { InvalidInput } from '../genki/errors.ts';
import { leaderboard, type MinerReport, type RoundReport } from '../genki/evaluation/round-report.ts';
import { withUnmeasured, type RoundPast } from '../genki/evaluation/settle.ts';
import { carriedIf } from '../genki/incentive/epoch-scores.ts';
import { canonicalJson } from '../genki/protocol/canonical-json.ts';
import type { Competition, HoldOutPart as PartName } from '../genki/protocol/competition.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { sha256Hex } from '../genki/protocol/digests.ts';
import type { DamaManifest, ManifestBody } from '../genki/protocol/manifest.ts';
import { ROUND_OF_WINDOWS } from '../genki/protocol/round-of-windows.ts';
import { seedOf } from '../genki/protocol/seeds.ts';
import { seedBlocksOf, snapshotBlock } from '../genki/protocol/window.ts';
import type { ObjectRef, ObjectStore } from '../genki/store/object-store.ts';
import type { Jobs } from './model/jobs.ts';
import type { HoldOutPart } from './model/judge.ts';
import { currentDama, newestReport, standingsAt } from './current-dama.ts';
import type { Deployment } from './deployment.ts';
import { parseInput } from './parse-input.ts';
import { parseJson } from './parse-json.ts';
import { participantOf, type Participant } from './participants.ts';
import { plainText } from './plain-text.ts';
import { MAX_REPORT_BYTES } from './reference.ts';
import { roundPlan, SEED_LABELS } from './round-plan.ts';
import { keepRoster, readRoster, rosterAt, type Roster } from './roster.ts';
import { unlessFaulty } from './unless-faulty.ts';

export const RoundInput = z.strictObject({
  /** Hotkey or name of a validator of this machine; default: its first one. */
  hotkey: z.string().min(1).optional(),
  /** Only to be sure which one it is: a round is always of the chain's current epoch. */
  epoch: z.int().nonnegative().optional(),
  /** Evaluate and report, write nothing to the chain. */
  dryRun: z.boolean().optional(),
  /** From the snapshot: the round ends by then, with what there is. */
  deadlineMs: z.int().min(1000).max(24 * 60 * 60_000).optional(),
});
export type RoundInput = z.infer<typeof RoundInput>;

/** What every step of a round works from, and from nothing newer: as much of it as a submission's evaluation needs. */
export type RoundContext = {
  readonly hotkey: string;
  readonly netuid: number;
  readonly epoch: number;
  readonly competition: { readonly id: string; readonly digest: string };
  readonly snapshot: BlockRef;
  readonly base: Dama;
  readonly prompts: readonly string[];
  /** With whose ears, and what the anchors are measured on; missing where the competition does not listen. */
  readonly listening?: Jobs['anchors']['input'];
  readonly generation: { readonly seed: string; readonly guidance: number; readonly temperature: number; readonly topK: number };
  readonly frames: number;
  readonly frameRate: number;
  readonly lora: Competition['lora'];
  readonly thresholds: Competition['thresholds'];
  readonly bucket: string;
  /** Where the validator keeps what nobody else reads. */
  readonly privateBucket: string;
  /** Below which everything of this round lies in the bucket. */
  readonly prefix: string;
};

/** And what is needed to hold submissions against each other, and to decide. */
export type RoundPlan = RoundContext & {
  readonly seeds: Readonly<Record<string, string>>;
  /** Where the last round found the best scale. */
  readonly lastScale?: number;
  readonly parts: Readonly<Record<PartName, HoldOutPart>>;
  readonly scales: readonly number[];
  readonly policy: Competition['policy'];
  readonly overTime: Competition['overTime'];
  readonly shapley: Competition['shapley'];
  readonly past: RoundPast;
  readonly dryRun: boolean;
  readonly deadlineMs: number;
};

/** One miner's newest commitment. */
export type Submission = { readonly hotkey: string; readonly registeredAt: number; readonly commitBlock: number; readonly commitIndex: number; /** the record, hex */ readonly data: string };

/** Everybody else, in an object: there may be ten thousand of them. */
export type Others = { readonly roster: ObjectRef; readonly rejected: number; readonly tooRecent: number; readonly notDrawn: number; readonly absent: number };

/** A round, complete and recorded. */
export type Round = {
  readonly plan: RoundPlan;
  /** In commit order. */
  readonly submissions: readonly Submission[];
  readonly others: Others;
  /** What this machine calls its validator and the miners that are looked at; nothing of it goes into the report. */
  readonly names: Readonly<Record<string, string>>;
};


export type RoundDeps = { readonly chain: Chain; readonly store: ObjectStore; readonly deployment: Deployment; readonly participants: () => Promise<readonly Participant[]>; readonly defaultHotkey: string | undefined };
export type RoundActivities = ReturnType<typeof createRoundActivities>;

/** Evaluation of a round of the embedded network takes half a minute, of a large one with a GPU well under an hour. */
const DEADLINE_MS = 45 * 60_000;

export const createRoundActivities = ({ chain, store, deployment, participants, defaultHotkey }: RoundDeps) => ({
  /** The round of the current epoch, once the blocks that make its seeds are final. */
  async resolveRound(input: unknown): Promise<Round> {
    const { hotkey, epoch, dryRun = false, deadlineMs = DEADLINE_MS } = parseInput(RoundInput, input, 'validationRound');
    if (deployment.competition.exchange === 'relay') throw new InvalidInput(`Expected a competition that rounds are held of, the adapter of ${deployment.competition.id} is relayed: its hub judges each version by itself (genki adapter history)`);
    if (deployment.competition.exchange === 'delta') throw ApplicationFailure.nonRetryable(`Expected a competition of adapters, ${deployment.competition.id} exchanges updates of windows`, ROUND_OF_WINDOWS);
    const everybody = await participants();
    const validator = participantOf(everybody, 'validator', hotkey ?? defaultHotkey);
    const { competition, competitionDigest } = deployment;
    checkMeasurable(competition.music);
    const { netuid, timing } = competition;
    const head = await chain.head();
    const now = await chain.metagraph(netuid, head.hash);
    if (head.number < competition.activationBlock) throw new InvalidInput(`Expected a competition that has begun, this one begins at block ${competition.activationBlock}, the chain is at ${head.number}`);
    if (epoch !== undefined) checkEpoch(epoch, now.epoch, deployment.blockMs);
    const number = snapshotBlock(now.epochStart, timing.snapshotOffsetBlocks);
    const blocks = seedBlocksOf(number, timing.seedBlocks);
    const missing = blocks.at(-1)! - head.number;
    if (missing > 0) throw ApplicationFailure.create({ message: `Block ${blocks.at(-1)} is not final yet, the head is ${head.number}`, type: 'BlockNotFinal', nextRetryDelay: missing * deployment.blockMs, category: 'BENIGN' });
    const blockHashes = await Promise.all(blocks.map((block) => chain.blockHash(block)));
    const snapshot = { number, hash: blockHashes[0]! };
    const metagraph = await chain.metagraph(netuid, snapshot.hash);
    const standings = await standingsAt({ chain, store, deployment }, metagraph);
    const { dama, from } = await currentDama({ chain, store, deployment }, metagraph, standings);
    const seeds = Object.fromEntries(SEED_LABELS.map((label) => [label, seedOf({ blockHashes, competition: competitionDigest }, label)]));
    const lastScale = from && (await scaleOf(store, from));
    const before = await newestReport({ chain, store, deployment }, metagraph, { until: now.epoch - 1, standings });
    const plan = roundPlan(deployment, {
      hotkey: validator.hotkey,
      epoch: now.epoch,
      snapshot,
      seeds,
      base: dama,
      ...(lastScale !== undefined && { lastScale }),
      past: pastOf(before, { competition: competition.id, epoch: now.epoch, metagraph }),
      bucket: validator.bucket,
      privateBucket: validator.privateBucket,
      dryRun,
      deadlineMs,
    });
    const roster = await rosterAt(chain, metagraph, { competition, past: before?.miners ?? [] });
    const shown = new Set([plan.hotkey, ...roster.submissions.map((submission) => submission.hotkey)]);
    return {
      plan,
      submissions: roster.submissions,
      others: { roster: await keepRoster(store, plan, roster), ...countsOf(roster) },
      names: Object.fromEntries(everybody.flatMap((one) => (shown.has(one.hotkey) ? [[one.hotkey, one.name]] : []))),
    };
  },

  /** The report, with a line for everybody, under its content's own name; and what the validator signs beside it. */
  async publishReport({ round, report, roster, dama }: { round: RoundContext; report: RoundReport; roster: ObjectRef; dama: Dama }): Promise<{ report: ObjectRef; body: ManifestBody }> {
    const whole = withUnmeasured(report, await readRoster(store, roster));
    const bytes = new TextEncoder().encode(canonicalJson({ ...whole, miners: whole.miners.map(withPlainReason) }));
    const ref = await store.putOnce(round.bucket, `${round.prefix}/report-${sha256Hex(bytes).slice(0, 16)}.json`, bytes);
    const body: DamaManifest = {
      version: 1,
      kind: 'dama',
      run: activityInfo().workflowExecution!.runId,
      competition: round.competition.digest,
      hotkey: round.hotkey,
      base: round.base.digest,
      epoch: round.epoch,
      dama,
      report: ref,
      files: [],
    };
    return { report: ref, body };
  },
});

/**
 * A round is of the epoch that the chain is in. One that is asked for a moment too soon, of a node that lags, waits;
 * one that comes too late, because its machine was down, is a round that was missed.
 */
function checkEpoch(wanted: number, current: number, blockMs: number): void {
  if (wanted < current) throw ApplicationFailure.nonRetryable(`epoch ${wanted} is over, the chain is in epoch ${current}`, 'EpochOver');
  if (wanted === current + 1) throw ApplicationFailure.create({ message: `Epoch ${wanted} has not begun yet`, type: 'BlockNotFinal', nextRetryDelay: blockMs, category: 'BENIGN' });
  if (wanted > current) throw new InvalidInput(`Expected the current epoch, ${current}, got ${wanted}`);
}

/**
 * What the last round left: its scores, and who earned most. Any validator may have written it: of its scores those count
 * that are of this competition, from before this epoch and of miners that are registered still, so that none of them can
 * stop this round, crowd out others or outgrow its payloads.
 */
function pastOf(before: RoundReport | undefined, { competition, epoch, metagraph }: { competition: string; epoch: number; metagraph: Metagraph }): RoundPast {
  if (!before) return { scores: null, leader: null, ledger: null };
  const keyOf = ({ hotkey, registeredAt }: { readonly hotkey: string; readonly registeredAt: number }): string => `${registeredAt} ${hotkey}`;
  const registered = new Set(metagraph.neurons.map(keyOf));
  const leader = leaderboard(before.miners)[0];
  return {
    scores: carriedIf(before.scores.after, (one) => one.competition === competition && one.epoch < epoch && registered.has(keyOf(one))),
    leader: leader && leader.weight > 0 && registered.has(keyOf(leader)) ? leader.hotkey : null,
    ledger: before.ledger,
  };
}

/** What went wrong on the way to a submission may quote whoever keeps it. */
const withPlainReason = (miner: MinerReport): MinerReport => (miner.verdict === 'rejected' || miner.verdict === 'unavailable' ? { ...miner, reason: plainText(miner.reason) } : miner);

const countsOf = ({ notEvaluated, notDrawn }: Roster): Omit<Others, 'roster'> => {
  const count = (verdict: Roster['notEvaluated'][number]['verdict']): number => notEvaluated.filter((line) => line.verdict === verdict).length;
  return { rejected: count('rejected'), tooRecent: count('unavailable') - notDrawn, notDrawn, absent: count('absent') };
};

const Scaled = z.looseObject({ acceptance: z.looseObject({ scale: z.number().positive() }) });

/** The scale that the current Dama was merged at; a validator's report that is missing or broken stops nobody else's round. */
async function scaleOf(store: ObjectStore, { report }: DamaManifest): Promise<number | undefined> {
  return Scaled.safeParse(await unlessFaulty(async () => parseJson(await store.get(report, { maxBytes: MAX_REPORT_BYTES })))).data?.acceptance.scale;
}
