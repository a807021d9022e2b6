import { ActivityFailure, ApplicationFailure, defineQuery, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { Listened } from '../activities/listen.ts';
import type { RoundContext, Submission } from '../activities/round.ts';
import type { Fetched } from '../activities/submission.ts';
import { isFault } from '../genki/errors.ts';
import { compute, objects, scoring } from './steps.ts';

/** What became of one miner in a round; `rejected` is its own fault, `unavailable` is not. */
export type Outcome =
  | { readonly kind: 'scored'; readonly submission: Submission; readonly fetched: Fetched; readonly clips: Listened['clips'] }
  | { readonly kind: 'rejected'; readonly submission: Submission; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly submission: Submission; readonly reason: string };

const phase = defineQuery<string>('phase');

/** One miner's submission: fetch and freeze what was committed, verify it, let it play, and listen. */
export async function evaluateSubmission(input: { round: RoundContext; submission: Submission }): Promise<Outcome> {
  if (typeof input?.round?.prefix !== 'string' || typeof input.submission?.hotkey !== 'string') throw ApplicationFailure.nonRetryable('Expected {round, submission} of a round, which starts this by itself: start a validationRound', 'InvalidInput');
  const { round, submission } = input;
  let now = 'fetch';
  setHandler(phase, () => now, { description: 'which step is under way' });
  const enter = (next: string): void => { now = next; setCurrentDetails(`**${next}** · commit of block ${submission.commitBlock}`); };
  try {
    enter('fetch');
    const fetched = await objects.fetchSubmission({ round, submission });
    enter('generate');
    const { dama, prompts, generation, lora, bucket, prefix } = { ...round, dama: round.base };
    const request = { ...generation, frames: round.frames, prompts, dama, adapter: { ref: fetched.adapter, lora }, bucket };
    const codes = await scoring.generateClips.executeWithOptions({ summary: `${prompts.length} clips` }, [{ ...request, key: `${prefix}/clips/${submission.hotkey}/codes.safetensors` }]);
    enter('listen');
    const { clips, fault } = await compute.listen({ codes, bucket, prefix: `${prefix}/clips/${submission.hotkey}`, frameRate: round.frameRate });
    enter('done');
    return fault === undefined ? { kind: 'scored', submission, fetched, clips } : { kind: 'rejected', submission, reason: fault };
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(cause instanceof Error)) throw error;
    // later steps read the Dama and what the validator itself wrote: what is wrong there is not the miner's fault
    const isItsFault = now === 'fetch' && cause instanceof ApplicationFailure && isFault(cause.type);
    if (!isItsFault && !(cause instanceof ApplicationFailure || cause.name === 'TimeoutFailure')) throw error;
    return { kind: isItsFault ? 'rejected' : 'unavailable', submission, reason: cause.message };
  }
}
