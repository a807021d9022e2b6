import { ActivityFailure, ApplicationFailure, defineQuery, isCancellation, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';
import type { Round, RoundInput, RoundPlan } from '../activities/round.ts';
import { ROUND_OF_WINDOWS } from '../genki/protocol/round-of-windows.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { beforeDeadline } from './before-deadline.ts';
import { evaluateAll } from './evaluate-all.ts';
import { clipsPrefix } from './clips.ts';
import { MAX_REASON } from './evaluate-submission.ts';
import { short } from './markdown.ts';
import { measureRound, settleWithout, type Settled } from './measure-round.ts';
import { playDamas, publishRound } from './publish-round.ts';
import { progressOf, roundPage, type Evaluated, type RoundPhase, type RoundProgress, type RoundState, type Written } from './round-page.ts';
import { EPOCH, HOTKEY, MINERS_SCORED, NET_UID, OUTCOME, PHASE } from './search-attributes.ts';
import { measuring, untilFinal } from './steps.ts';
import { submitterOf } from './submit-once.ts';
import { windowsRound, type WindowsSummary } from './windows-round.ts';

/** What a round ends with: the answer in the Web UI's result box. */
export type RoundSummary = {
  readonly kind: 'settled' | 'dryRun';
  readonly hotkey: string;
  readonly epoch: number;
  readonly report: ObjectRef;
  readonly dama: { readonly before: string; readonly next: string; readonly published: boolean };
  /** Of those who earned something. */
  readonly weights: readonly { readonly hotkey: string; readonly weight: number }[];
  /** Where the WAV files lie, one a prompt: `<prefix>/before/0.wav` by the Dama before, `after` by the one it stands for now, and a miner's hotkey. */
  readonly clips: { readonly prompts: readonly string[]; readonly bucket: string; readonly prefix: string };
  /** Blocks; null when nothing was sent or confirmed, with why. */
  readonly commitment: number | null;
  readonly weightsSet: number | null;
  readonly notes: readonly string[];
};

/** A round that began when its epoch was over: the machine was down in between. Nothing is lost but its say in that epoch. */
export type RoundMissed = { readonly kind: 'missed'; readonly reason: string };

export const roundProgress = defineQuery<RoundProgress>('progress');

/** Of the time from the snapshot to the deadline, when looking at miners and when measuring have to be done; the rest is for publishing. */
const EVALUATED_BY = 0.6;
const MEASURED_BY = 0.9;
/** A round that came to its deadline still hands its weights to the submitter. */
const PUBLISHING_MS = 10_000;
/** Miners between two looks at the page. */
const PAGE_EVERY = 10;

/** A validator's round: snapshot → evaluate each miner → compare → accept → contribution → merge → weights and report. */
export async function validationRound(input: RoundInput = {}): Promise<RoundSummary | RoundMissed | WindowsSummary> {
  let state: RoundState = { phase: 'snapshot', evaluated: [] };
  setHandler(roundProgress, () => progressOf(state), { description: 'phase, epoch, miners looked at and scored' });
  const show = (more: Partial<RoundState>): void => { state = { ...state, ...more }; setCurrentDetails(roundPage(state)); };
  const enter = (phase: RoundPhase, { attributes = [], ...more }: Partial<RoundState> & { attributes?: SearchAttributePair[] } = {}): void => {
    upsertSearchAttributes([{ key: PHASE, value: phase }, ...attributes]);
    show({ ...more, phase });
  };
  show({});

  const round = await resolve(input);
  if ('exchange' in round) return await windowsRound(input);
  if ('kind' in round) { enter('done', { attributes: [{ key: OUTCOME, value: round.kind }] }); return round; }
  const { plan } = round;
  const submitOnce = submitterOf(plan.hotkey);
  const begun = Date.now();
  const at = (share: number): number => begun + share * plan.deadlineMs;
  enter('evaluate', { round, endsBy: at(1), attributes: [{ key: NET_UID, value: String(plan.netuid) }, { key: HOTKEY, value: plan.hotkey }, { key: EPOCH, value: plan.epoch }] });
  const evaluated = await evaluateAll(round, {
    deadline: at(EVALUATED_BY),
    tell: (done) => {
      state = { ...state, evaluated: done };
      if (done.length % PAGE_EVERY === 0) show({});
    },
  });

  enter('compare', { evaluated, attributes: [{ key: MINERS_SCORED, value: progressOf({ ...state, evaluated }).scored }] });
  const settled = await settledBy(at(MEASURED_BY), { plan, evaluated, enter });
  enter('publish', { settled });
  const submission = { deadline: Math.max(at(1), Date.now() + PUBLISHING_MS), submitOnce, tell: (written: Written) => show({ written }) };
  const [written] = await Promise.all([publishRound(round, settled, submission), playDamas(plan, settled.dama, at(1))]);
  const kind = plan.dryRun ? 'dryRun' : 'settled';
  enter('done', { written, attributes: [{ key: OUTCOME, value: kind }] });
  const { before, next, published } = settled.report.dama;
  return {
    kind,
    hotkey: plan.hotkey,
    epoch: plan.epoch,
    ...written,
    dama: { before: before.digest, next, published },
    weights: settled.report.miners.flatMap(({ hotkey, weight }) => (weight > 0 ? [{ hotkey, weight }] : [])),
    clips: { prompts: plan.prompts, bucket: plan.bucket, prefix: clipsPrefix(plan) },
  };
}

async function resolve(input: RoundInput): Promise<Round | RoundMissed | { readonly exchange: 'delta' }> {
  try {
    return await untilFinal.resolveRound.executeWithOptions({ summary: 'the snapshot, its seeds and submissions' }, [input]);
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure)) throw error;
    if (cause.type === ROUND_OF_WINDOWS) return { exchange: 'delta' };
    if (cause.type !== 'EpochOver') throw error;
    return { kind: 'missed', reason: cause.message };
  }
}

/** What comes of measuring; where time runs out or the model work fails for good, a round in which nobody earns anything. */
async function settledBy(deadline: number, { plan, evaluated, enter }: { plan: RoundPlan; evaluated: readonly Evaluated[]; enter: (phase: RoundPhase) => void }): Promise<Settled> {
  try {
    const settled = await beforeDeadline({ deadline, summary: 'until when it is measured' }, () => measureRound(plan, evaluated, { steps: measuring, enter }));
    return settled ?? (await settleWithout(plan, evaluated, { steps: measuring, why: 'the round ran out of time before it was measured' }));
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return await settleWithout(plan, evaluated, { steps: measuring, why: short(`the round could not be measured: ${error.cause?.message ?? error.message}`, MAX_REASON) });
  }
}
