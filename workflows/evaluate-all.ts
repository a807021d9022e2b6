import { CancellationScope, executeChild, isCancellation, TemporalFailure, TimeoutFailure, workflowInfo } from '@temporalio/workflow';
import type { Round, RoundContext, Submission } from '../activities/round.ts';
import { evaluateSubmission, type Outcome } from './evaluate-submission.ts';
import { mapBounded } from '../genki/map-bounded.ts';
import { nameOf, type Evaluated } from './round-page.ts';
import { submissionSummary } from './submission-page.ts';

/** Enough that the steps of some keep a few GPUs and the disk busy while others wait for strangers' buckets. */
export const SIDE_BY_SIDE = 32;
/**
 * Every submission looked at in a workflow of its own, in commit order. Each may take as much as is left of the time,
 * shared out among the lanes and those still to come: where all of them hang, the last one still has its turn.
 */
export async function evaluateAll({ plan, submissions, names }: Round, { deadline, tell }: { deadline: number; tell: (done: readonly Evaluated[]) => void }): Promise<Evaluated[]> {
  const round = contextOf(plan);
  const done: Evaluated[] = [];
  return await mapBounded(submissions, SIDE_BY_SIDE, async (submission, index) => {
    const leftMs = deadline - Date.now();
    const shareMs = Math.floor(leftMs * Math.min(1, SIDE_BY_SIDE / (submissions.length - index)));
    const evaluated = { submission, outcome: await evaluate({ round, submission, who: nameOf(names, submission.hotkey) }, shareMs) };
    done.push(evaluated);
    tell([...done]);
    return evaluated;
  });
}

/** What a miner's workflow is given; it is handed on at each of its steps. */
const contextOf = ({ hotkey, netuid, epoch, competition, snapshot, base, prompts, listening, generation, frames, frameRate, lora, thresholds, bucket, privateBucket, prefix }: RoundContext): RoundContext =>
  ({ hotkey, netuid, epoch, competition, snapshot, base, prompts, ...(listening && { listening }), generation, frames, frameRate, lora, thresholds, bucket, privateBucket, prefix });

/** One miner's workflow, which stops no round: one that hangs, fails or is ended by somebody is not the miner's fault. */
async function evaluate(input: { round: RoundContext; submission: Submission; who: string }, shareMs: number): Promise<Outcome> {
  const { submission, who } = input;
  if (shareMs <= 0) return { kind: 'unavailable', reason: 'the round ran out of time before it was looked at' };
  try {
    return await executeChild(evaluateSubmission, {
      workflowId: `${workflowInfo().workflowId}/${submission.hotkey}`,
      args: [input],
      workflowExecutionTimeout: shareMs,
      parentClosePolicy: 'REQUEST_CANCEL',
      staticSummary: submissionSummary(who, submission),
    });
  } catch (error) {
    const isOurs = isCancellation(error) && CancellationScope.current().consideredCancelled;
    if (isOurs || !(error instanceof TemporalFailure)) throw error;
    const cause = error.cause ?? error;
    const inTime = !(cause instanceof TimeoutFailure);
    return { kind: 'unavailable', reason: inTime ? cause.message || 'its workflow was cancelled' : `not done in its share of the round's time, ${Math.ceil(shareMs / 1000)} s` };
  }
}
