import { ActivityFailure, CancellationScope, ChildWorkflowFailure, defineQuery, executeChild, isCancellation, setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { RoundContext, RoundInput, Submission } from '../activities/round.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import { evaluateSubmission, type Outcome } from './evaluate-submission.ts';
import { mapBounded } from './map-bounded.ts';
import { measureRound, settleWithout, type Settled } from './measure-round.ts';
import { EPOCH, HOTKEY, MINERS_SCORED, NET_UID, OUTCOME, PHASE } from './search-attributes.ts';
import { compute, objects, scoring, untilFinal, wallet } from './steps.ts';
import { submitterOf, type SubmitOnce } from './submit-once.ts';
import { toU16 } from './weights.ts';

/** What a round ends with: the answer in the Web UI's result box. */
export type RoundSummary = {
  readonly kind: 'settled' | 'dryRun';
  readonly hotkey: string;
  readonly epoch: number;
  readonly report: ObjectRef;
  readonly dama: { readonly before: string; readonly next: string; readonly published: boolean };
  readonly weights: readonly { readonly hotkey: string; readonly weight: number }[];
  /** WAV files of the same prompts: by the Dama before, by the one it stands for now, and by each miner. */
  readonly clips: { readonly prompts: readonly string[]; readonly before: readonly ObjectRef[]; readonly after: readonly ObjectRef[]; readonly miners: Readonly<Record<string, readonly ObjectRef[]>> };
  /** Blocks; null when nothing was sent, with why. */
  readonly commitment: number | null;
  readonly weightsSet: number | null;
  readonly notes: readonly string[];
};

export type RoundProgress = { readonly phase: string; readonly epoch?: number; readonly evaluated: number; readonly of: number };
export const roundProgress = defineQuery<RoundProgress>('progress');

/** Miners evaluated side by side: enough to keep a few GPUs and the disk busy. */
const SIDE_BY_SIDE = 8;

/** A validator's round: snapshot → evaluate each miner → compare → accept → contribution → merge → weights and report. */
export async function validationRound(input: RoundInput = {}): Promise<RoundSummary> {
  let progress: RoundProgress = { phase: 'snapshot', evaluated: 0, of: 0 };
  setHandler(roundProgress, () => progress, { description: 'phase, epoch, miners evaluated' });
  const show = (more: Partial<RoundProgress>): void => {
    if (more.phase !== undefined && more.phase !== progress.phase) upsertSearchAttributes([{ key: PHASE, value: more.phase }]);
    progress = { ...progress, ...more };
    setCurrentDetails(`**${progress.phase}** · epoch ${progress.epoch ?? '–'} · ${progress.evaluated} / ${progress.of} miners`);
  };

  const { context: round, submissions, notEvaluated } = await untilFinal.resolveRound(input);
  const submitOnce = submitterOf(round.hotkey);
  upsertSearchAttributes([{ key: NET_UID, value: String(round.netuid) }, { key: HOTKEY, value: round.hotkey }, { key: EPOCH, value: round.epoch }]);
  show({ phase: 'evaluate', epoch: round.epoch, of: submissions.length });

  const deadline = Date.now() + round.deadlineMs;
  const outcomes = await mapBounded(submissions, SIDE_BY_SIDE, async (submission) => {
    const outcome = await evaluate(round, submission, deadline - Date.now());
    show({ evaluated: progress.evaluated + 1 });
    return outcome;
  });
  upsertSearchAttributes([{ key: MINERS_SCORED, value: outcomes.filter((o) => o.kind === 'scored').length }]);

  const settled = await beforeDeadline(deadline, () => measureRound({ round, outcomes, notEvaluated }, (phase) => show({ phase })));
  const { report, dama } = settled ?? settleWithout({ round, outcomes, notEvaluated }, 'the round ran out of time before it was measured');
  show({ phase: 'publish' });
  const [clips, published] = await Promise.all([playDamas(round, dama, outcomes), publish(round, { report, dama }, submitOnce)]);
  const summary = { ...published, clips };
  show({ phase: 'done' });
  upsertSearchAttributes([{ key: OUTCOME, value: summary.kind }]);
  return summary;
}

/** The same prompts by the Dama before and after, beside what the miners played; a round without them is still a round. */
async function playDamas(round: RoundContext, next: Dama, outcomes: readonly Outcome[]): Promise<RoundSummary['clips']> {
  const play = async (dama: Dama, name: string): Promise<readonly ObjectRef[]> => {
    const prefix = `${round.prefix}/clips/${name}`;
    const codes = await scoring.generateClips.executeWithOptions({ summary: `the Dama ${name}` }, [{ ...round.generation, frames: round.frames, prompts: round.prompts, dama, bucket: round.bucket, key: `${prefix}/codes.safetensors` }]);
    return (await compute.listen({ codes, bucket: round.bucket, prefix, frameRate: round.frameRate })).clips;
  };
  const miners = Object.fromEntries(outcomes.flatMap((outcome) => (outcome.kind === 'scored' ? [[outcome.submission.hotkey, outcome.clips]] : [])));
  try {
    const [before, after] = await Promise.all([play(round.base, 'before'), play(next, 'after')]);
    return { prompts: round.prompts, before, after, miners };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { prompts: round.prompts, before: [], after: [], miners };
  }
}

/** One miner's child workflow; one that neither ends nor fails by the deadline is not the miner's fault. */
async function evaluate(round: RoundContext, submission: Submission, leftMs: number): Promise<Outcome> {
  if (leftMs <= 0) return { kind: 'unavailable', submission, reason: 'the round ran out of time before it was looked at' };
  try {
    return await executeChild(evaluateSubmission, {
      workflowId: `${workflowInfo().workflowId}/${submission.hotkey}`,
      args: [{ round, submission }],
      workflowExecutionTimeout: leftMs,
      staticSummary: `${submission.hotkey} · commit of block ${submission.commitBlock}`,
    });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ChildWorkflowFailure)) throw error;
    return { kind: 'unavailable', submission, reason: error.cause?.message ?? error.message };
  }
}

/** What comes of it by the deadline; undefined when time runs out, or the model work fails for good. */
async function beforeDeadline(deadline: number, task: () => Promise<Settled>): Promise<Settled | undefined> {
  let isLate = false;
  try {
    return await CancellationScope.withTimeout(Math.max(1, deadline - Date.now()), async () => {
      CancellationScope.current().cancelRequested.catch(() => { isLate = Date.now() >= deadline; });
      return await task();
    });
  } catch (error) {
    if (isLate && isCancellation(error)) return undefined;
    if (error instanceof ActivityFailure && !isCancellation(error)) return undefined;
    throw error;
  }
}

/** Report, Dama and weights go out; each of the two extrinsics at most once an epoch, whoever starts this round again. */
async function publish(round: RoundContext, { report, dama }: Settled, submitOnce: SubmitOnce): Promise<Omit<RoundSummary, 'clips'>> {
  const { hotkey, netuid, epoch } = round;
  const { report: ref, body } = await objects.publishReport({ round, report, dama });
  const shares = report.miners.map(({ hotkey: miner, weight }) => ({ hotkey: miner, weight }));
  const summary = { hotkey, epoch, report: ref, dama: { before: round.base.digest, next: dama.digest, published: report.dama.published }, weights: shares };
  if (round.dryRun) return { ...summary, kind: 'dryRun', commitment: null, weightsSet: null, notes: ['dry run: nothing was written to the chain'] };

  const manifest = await objects.publishManifest({ bucket: round.bucket, text: await wallet(hotkey).signManifest(body) });
  const weights = toU16(shares);
  const notes: string[] = weights.length > 0 ? [] : ['nobody earned anything: the weights on the chain stay as they are'];
  const [commitment, weightsSet] = await Promise.all([
    submitOnce({ key: `dama/${netuid}/${epoch}`, effect: { kind: 'commitment', netuid, data: manifest.record } }),
    weights.length > 0 ? submitOnce({ key: `weights/${netuid}/${epoch}`, effect: { kind: 'weights', netuid, epoch, versionKey: 0, weights } }) : undefined,
  ]);
  for (const outcome of [commitment, weightsSet]) if (outcome?.kind === 'refused') notes.push(`${outcome.key} was refused: ${outcome.code}: ${outcome.message}`);
  const blockOf = (outcome: typeof weightsSet): number | null => (outcome?.kind === 'landed' ? outcome.block : null);
  return { ...summary, kind: 'settled', commitment: blockOf(commitment), weightsSet: blockOf(weightsSet), notes };
}
