import { ActivityFailure, ApplicationFailure, defineQuery, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { RoundContext, Submission } from '../activities/round.ts';
import type { HeardClips } from '../activities/model/hear.ts';
import type { Fetched } from '../activities/submission.ts';
import { isFault } from '../genki/errors.ts';
import { asPlayed, clipsPrefix } from './clips.ts';
import { compute, foreign, scoring } from './steps.ts';
import { submissionPage, type SubmissionState } from './submission-page.ts';

/** What became of one miner in a round; `rejected` is its own fault, `unavailable` is not. */
export type Outcome =
  | { readonly kind: 'scored'; readonly fetched: Fetched; /** where the competition listens */ readonly heard?: HeardClips }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** `who` is what the Web UI calls it. */
export type EvaluateInput = { readonly round: RoundContext; readonly submission: Submission; readonly who: string };

const phase = defineQuery<string>('phase');

/** One miner's submission: fetch and freeze what was committed, verify it, let it play, and listen. */
export async function evaluateSubmission(input: EvaluateInput): Promise<Outcome> {
  if (typeof input?.round?.prefix !== 'string' || typeof input.submission?.hotkey !== 'string') throw ApplicationFailure.nonRetryable('Expected {round, submission} of a round, which starts this by itself: start a validationRound', 'InvalidInput');
  const { round, submission, who } = input;
  const { prompts, generation, frames, frameRate, bucket, base: dama, listening } = round;
  const prefix = `${clipsPrefix(round)}/${submission.hotkey}`;
  let state: SubmissionState = { phase: 'fetch', submission };
  const show = (more: Partial<SubmissionState>): void => { state = { ...state, ...more }; setCurrentDetails(submissionPage(state)); };
  setHandler(phase, () => state.phase, { description: 'which step is under way' });
  show({});
  const outcome = await evaluate().catch((error: unknown) => failureOf(error, state.phase));
  show({ phase: 'done', ended: outcome.kind === 'scored' ? outcome.kind : `${outcome.kind}: ${outcome.reason}` });
  return outcome;

  async function evaluate(): Promise<Outcome> {
    const fetched = await foreign.fetchSubmission.executeWithOptions({ summary: `fetch · ${who}` }, [{ round, submission }]);
    show({ phase: 'generate', fetched });
    const request = { ...generation, frames, prompts, dama, adapter: asPlayed(fetched, round), bucket };
    const codes = await scoring.generateClips.executeWithOptions({ summary: `generate ${prompts.length} clips · ${who}` }, [{ ...request, key: `${prefix}/codes.safetensors` }]);
    show({ phase: 'listen', clips: `${bucket}/${prefix}/` });
    const { clips, fault } = await compute.listen.executeWithOptions({ summary: `listen · ${who}` }, [{ codes, bucket, prefix, frameRate }]);
    if (fault !== undefined) return { kind: 'rejected', reason: fault };
    if (!listening) return { kind: 'scored', fetched };
    show({ phase: 'hear' });
    const { embedder, seed } = listening;
    const heard = await compute.hearClips.executeWithOptions({ summary: `hear ${clips.length} clips · ${who}` }, [{ embedder, seed, clips, prompts, bucket: round.privateBucket, key: `${prefix}/heard.safetensors` }]);
    show({ heard });
    return { kind: 'scored', fetched, heard };
  }
}

/** A reader takes reasons of this length; the words of an error from afar may be longer. */
export const MAX_REASON = 400;

function failureOf(error: unknown, during: SubmissionState['phase']): Outcome {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof Error)) throw error;
  // later steps read the Dama and what the validator itself wrote: what is wrong there is not the miner's fault
  const isItsFault = during === 'fetch' && cause instanceof ApplicationFailure && isFault(cause.type);
  if (!isItsFault && !(cause instanceof ApplicationFailure || cause.name === 'TimeoutFailure')) throw error;
  return { kind: isItsFault ? 'rejected' : 'unavailable', reason: cause.message.slice(0, MAX_REASON) };
}
