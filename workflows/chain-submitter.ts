import { allHandlersFinished, ApplicationFailure, condition, continueAsNew, defineQuery, defineSignal, defineUpdate, getExternalWorkflowHandle, setCurrentDetails, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import type { SubmissionOutcome, SubmissionRequest } from '../activities/submit.ts';
import { wallet } from './steps.ts';

export type SubmitterState = {
  readonly hotkey: string;
  readonly queue?: readonly SubmissionRequest[];
  readonly outcomes?: readonly SubmissionOutcome[];
  /** The newest finalized block that was heard of: a node that does not know it yet is not asked. */
  readonly seen?: number;
  /** How often something else used this hotkey's nonce. */
  readonly strangers?: number;
};

/** An Update, because the asker needs to know at once whether the outcome is already there; undefined: accepted, wait for the signal. */
export const submit = defineUpdate<SubmissionOutcome | undefined, [SubmissionRequest]>('submit');
export const submitted = defineSignal<[SubmissionOutcome]>('submitted');
export const submitterState = defineQuery<SubmitterState>('state');

/** Outcomes that are remembered; an epoch has room for 31 commitments and one row of weights. */
const REMEMBERED = 128;
/** Signing anew after an era ran out or a stranger took the nonce; more means that somebody else uses this key. */
const SIGNINGS = 5;

/** Refusals by the pool that pass: an era that ran out on the way, a runtime that has changed, a nonce that another one holds for now, a rate limit. */
const PASSING = new Set(['BadProof', 'BadFormat', 'AncientBirthBlock', 'Future', 'TooLowPriority', 'ImmediatelyDropped', 'SettingWeightsTooFast', 'CommittingWeightsTooFast', 'ServingRateLimitExceeded']);
/** A block of the real chain, doubled each time. */
const RETRY_MS = 12_000;

/** Names that the server takes; a signal to a longer id would be refused again and again. */
const MAX_NAME_LENGTH = 300;

/** Everything that one hotkey writes to the chain, one after another: prepare, broadcast the same bytes, confirm, decide. */
export async function chainSubmitter(input: SubmitterState): Promise<never> {
  if (typeof input?.hotkey !== 'string' || input.hotkey === '') throw ApplicationFailure.nonRetryable('Expected {hotkey} of the account that submits', 'InvalidInput');
  const { hotkey, ...carried } = input;
  const queue = [...(carried.queue ?? [])];
  const outcomes = [...(carried.outcomes ?? [])];
  const known: Known = { seen: carried.seen ?? 0, strangers: carried.strangers ?? 0 };

  setHandler(
    submit,
    (request) => {
      const outcome = outcomes.find((o) => o.key === request.key);
      if (outcome === undefined && !queue.some((q) => q.key === request.key && q.replyTo === request.replyTo)) queue.push(request);
      return outcome;
    },
    { description: 'make an effect true on the chain, once', validator: validate },
  );
  setHandler(submitterState, () => ({ hotkey, queue, outcomes, ...known }), { description: 'what waits and what landed' });

  while (!workflowInfo().continueAsNewSuggested) {
    // also questions that change nothing fill the history; and all answers go out before anything else, since
    // a replay may hand over in one piece what came in two
    await condition(() => (queue.length > 0 || workflowInfo().continueAsNewSuggested) && allHandlersFinished());
    const [request] = queue;
    if (request === undefined) break;
    setCurrentDetails(`**${request.key}** for \`${request.replyTo}\` · ${queue.length - 1} waiting${warning(known)}`);
    const outcome = outcomes.find((o) => o.key === request.key) ?? (await land(hotkey, request, known));
    outcomes.push(...(outcomes.includes(outcome) ? [] : [outcome]));
    outcomes.splice(0, outcomes.length - REMEMBERED);
    queue.shift();
    setCurrentDetails(`last: **${outcome.key}** ${outcome.kind}${warning(known)}`);
    // the asker may be gone; it finds the outcome here when it asks again
    await getExternalWorkflowHandle(request.replyTo).signal(submitted, outcome).catch(() => undefined);
  }
  await condition(allHandlersFinished);
  return await continueAsNew<typeof chainSubmitter>({ hotkey, queue, outcomes, ...known });
}

/** What is learnt of the chain on the way. */
type Known = { seen: number; strangers: number };

const warning = ({ strangers }: Known): string => (strangers === 0 ? '' : `\n\n**Another program uses this hotkey**: it took ${strangers} of our nonces`);

function validate({ key, effect, replyTo }: SubmissionRequest): void {
  const isName = (text: unknown): boolean => typeof text === 'string' && text !== '' && text.length <= MAX_NAME_LENGTH;
  if (!isName(key) || !isName(replyTo) || typeof effect?.kind !== 'string') {
    throw ApplicationFailure.nonRetryable(`Expected {key, effect, replyTo}: a name of the effect and the workflow that asks, each of 1 to ${MAX_NAME_LENGTH} characters`, 'InvalidInput');
  }
}

async function land(hotkey: string, { key, effect }: SubmissionRequest, known: Known): Promise<SubmissionOutcome> {
  const { prepareExtrinsic, broadcastExtrinsic, confirmExtrinsic } = wallet(hotkey);
  const refused = (code: string, message: string): SubmissionOutcome => ({ kind: 'refused', key, code, message });
  let last = { code: 'NonceTaken', message: `signed ${SIGNINGS} times and none landed: does another program use this hotkey?` };
  try {
    for (let signing = 0; signing < SIGNINGS; signing++) {
      const prepared = await prepareExtrinsic.executeWithOptions({ summary: key }, [{ effect, notBefore: known.seen }]);
      if (prepared.kind === 'alreadyTrue') return { kind: 'landed', key, block: prepared.block };
      if (prepared.kind === 'refused') return refused(prepared.code, prepared.message);
      const { extrinsic } = prepared;
      const sent = await broadcastExtrinsic.executeWithOptions({ summary: `${key} · nonce ${extrinsic.nonce}` }, [extrinsic]);
      if (sent.refused !== undefined) {
        if (!PASSING.has(sent.refused.code)) return refused(sent.refused.code, sent.refused.message);
        last = sent.refused;
        // it is in no pool, and whatever is signed next has the same nonce: at most one of them can land
        await sleep(RETRY_MS * 2 ** signing, { summary: sent.refused.code });
        continue;
      }
      const landing = await confirmExtrinsic.executeWithOptions({ summary: `${key} · until block ${extrinsic.diesAt}` }, [{ extrinsic, effect }]);
      if ('block' in landing) known.seen = Math.max(known.seen, landing.block.number);
      if (landing.kind === 'nonceTaken') known.strangers++;
      if (landing.kind === 'included') return { kind: 'landed', key, block: landing.block.number, extrinsic: extrinsic.hash };
      if (landing.kind === 'failed') return refused(landing.code, landing.message);
    }
    return refused(last.code, last.message);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof ApplicationFailure ? error.cause : undefined;
    if (cause === undefined) throw error;
    return refused(cause.type ?? 'Error', cause.message);
  }
}
