import { condition, setHandler, workflowInfo } from '@temporalio/workflow';
import type { SubmissionOutcome, SubmissionRequest } from '../activities/submit.ts';
import { submitted } from './chain-submitter.ts';
import { quick } from './steps.ts';

/** After this long without a word the submitter is asked again, and twice as long after each time: a run takes 2,000 Updates. */
const ASK_AGAIN_MS = 60_000;
const MAX_ASK_AGAIN_MS = 3_600_000;

export type SubmitOnce = (request: Omit<SubmissionRequest, 'replyTo'>) => Promise<SubmissionOutcome>;

/** Listens for outcomes from now on, and hands effects to a hotkey's submitter; the same key has one outcome. */
export function submitterOf(hotkey: string): SubmitOnce {
  const heard = new Map<string, SubmissionOutcome>();
  setHandler(submitted, (outcome) => void heard.set(outcome.key, outcome));
  return async ({ key, effect }) => {
    const request: SubmissionRequest = { key, effect, replyTo: workflowInfo().workflowId };
    for (let waitMs = ASK_AGAIN_MS; ; waitMs = Math.min(2 * waitMs, MAX_ASK_AGAIN_MS)) {
      const known = await quick.requestSubmission.executeWithOptions({ summary: key }, [{ hotkey, request }]);
      if (known) return known;
      await condition(() => heard.has(key), waitMs, { summary: 'ask again' });
      const outcome = heard.get(key);
      if (outcome) return outcome;
    }
  };
}
