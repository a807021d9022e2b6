import { TimeoutFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ActivityFailure, allHandlersFinished, ApplicationFailure, condition, continueAsNew, defineQuery, defineSignal, defineUpdate, isCancellation, setCurrentDetails, setHandler, startChild, workflowInfo } from '@temporalio/workflow';
import type { RelayedOf } from '../activities/promotion.ts';
import type { LeaseStatus, PushAnswer } from '../genki/protocol/hub.ts';
import type { Candidate, Merged, Push } from '../genki/protocol/candidates.ts';
import type { Holder, LeaseAnswer } from '../genki/protocol/lease.ts';
import * as relay from '../genki/protocol/relay.ts';
import type { CurrentVersion, RelayRules, RelayState, RollbackAnswer, Settled, Verdict, Work } from '../genki/protocol/relay.ts';
import type { promoteAdapter, PromoteInput } from './promote-adapter.ts';
import { literal } from './markdown.ts';
import { gathering, quick } from './steps.ts';

export type RelayAdapterInput = {
  readonly adapterId: string;
  /** Hotkey of the hub, which signs the versions. */
  readonly hub: string;
  readonly rules: RelayRules;
  /** Where it begins anew: what was published last. */
  readonly newest?: Parameters<typeof relay.newRelay>[0];
  /** Where it goes on. */
  readonly state?: RelayState;
};

/** All that has an answer is an Update; none of them waits for anything, as ten at a time are all that the server takes. */
export const requestTurn = defineUpdate<LeaseAnswer, [{ holder: string; coldkey: string }]>('request');
export const renewTurn = defineUpdate<boolean, [Holder]>('renew');
export const pushAdapter = defineUpdate<PushAnswer, [Push]>('push');
export const rollBack = defineUpdate<RollbackAnswer, [{ to: number }]>('rollback');
/** An Update, because nothing may be published that nobody waits for any more. */
export const settle = defineUpdate<Settled, [{ relay: string; attempt: number; verdict: Verdict }]>('settle');
/** A late or strange one changes nothing, so nobody waits for an answer. */
export const releaseTurn = defineSignal<[Holder]>('release');
export const published = defineSignal<[CurrentVersion]>('published');
export const merged = defineSignal<[Merged]>('merged');
/** Somebody has asked a question that leaves no trace here. */
export const heard = defineSignal('heard');
export const relayState = defineQuery<RelayState>('state');
export const turnStatus = defineQuery<LeaseStatus, [string]>('status');

/** How soon a promotion that somebody has ended is begun again, at the latest. */
const MISSED_MS = 15_000;
const MAX_NAME_LENGTH = 300;

/** One adapter that miners pass on: its lease and queue, its current version, what is judged, and what came late. */
export async function relayAdapter(input: RelayAdapterInput): Promise<never> {
  if (typeof input?.adapterId !== 'string' || typeof input.hub !== 'string' || typeof input.rules?.promotionMs !== 'number') throw ApplicationFailure.nonRetryable('Expected {adapterId, hub, rules} of an adapter that is relayed; its hub starts this by itself', 'InvalidInput');
  const { adapterId, hub, rules, newest, state: carried = relay.newRelay(newest) } = input;
  let state = carried;
  let changed = true;
  const move = (next: RelayState): void => {
    changed ||= next !== state;
    state = next;
  };
  const answering = <T>({ state: next, ...rest }: { state: RelayState } & T): Omit<T, 'state'> => { move(next); return rest as Omit<T, 'state'>; };

  setHandler(requestTurn, (asked) => answering(relay.requestTurn(state, { ...asked, now: Date.now() }, rules)).answer, { validator: named, description: 'take the lease, or a place in the queue' });
  setHandler(renewTurn, (held) => answering(relay.renewTurn(state, { ...held, now: Date.now() }, rules)).renewed, { validator: named, description: 'prove to be alive' });
  setHandler(pushAdapter, (pushed) => answering(relay.push(state, { ...pushed, now: Date.now() }, rules)).answer, { validator: named, description: 'hand a trained adapter over' });
  setHandler(rollBack, ({ to }) => answering(relay.rollback(state, { to, now: Date.now() }, rules)).answer, { description: 'make the content of an earlier version the next one' });
  // attempts are counted anew where the relay was ended and begins again: those of the one before are nobody's
  const own = workflowInfo().firstExecutionRunId;
  setHandler(settle, ({ relay: asked, ...settled }) => (asked === own ? answering(relay.settle(state, { ...settled, now: Date.now() }, rules)).then : 'gone'), { description: 'what an attempt has come to' });
  setHandler(releaseTurn, (held) => move(relay.releaseTurn(state, { ...held, now: Date.now() }, rules)), { description: 'give the lease back' });
  setHandler(published, (version) => move(relay.published(state, { version, now: Date.now() }, rules)), { description: 'a version is there' });
  setHandler(merged, (taken) => move(relay.merged(state, taken)), { description: 'what a merge has taken, and what is to be trained again' });
  setHandler(heard, () => move(relay.hear(state, Date.now(), rules)), { description: 'the door is heard' });
  setHandler(relayState, () => state, { description: 'lease, queue, version, what is judged, candidates' });
  setHandler(turnStatus, (holder) => relay.statusOf(state, holder), { description: 'how a hotkey stands' });

  // what came late is copied beside all else, as its author's bucket may take its time
  const copying = new Set<string>();
  const copyLate = (late: Candidate): void => {
    const { holder, fence, adapter } = late;
    const lease = `${holder}/${fence}`;
    if (late.kept !== null || copying.has(lease)) return;
    copying.add(lease);
    void gathering.copyLate
      .executeWithOptions({ summary: `copy what came late under fence ${fence}` }, [{ hub, adapterId, adapter }])
      .catch(uncopied)
      .then((copy) => {
        copying.delete(lease);
        if (copy) move(relay.copied(state, late, copy));
      });
  };

  // also questions that change nothing fill the history; and all answers go out before anything else, since
  // a replay may hand over in one piece what came in two
  const mustWake = (): boolean => (changed || workflowInfo().continueAsNewSuggested) && allHandlersFinished();
  // none, since the last run may have come to its end before it began one; to begin it twice does no harm
  let begun: number | undefined;
  let lookedAt = Date.now();
  while (!workflowInfo().continueAsNewSuggested) {
    await condition(mustWake, waitMs(state, rules));
    changed = false;
    const { work } = state;
    if (work && work.attempt === begun && Date.now() - lookedAt >= lookMs(rules)) {
      const { attempt } = work;
      if ((await hasEnded(promotionOf(adapterId, work))) && state.work?.attempt === attempt) move(relay.vanished(state, { attempt, now: Date.now() }, rules));
      lookedAt = Date.now();
    }
    move(relay.tick(state, Date.now(), rules));
    state.candidates.forEach(copyLate);
    setCurrentDetails(describe(state));
    if (state.work && state.work.attempt !== begun) {
      begun = await begin({ adapterId, hub, current: state.version }, state.work);
      lookedAt = Date.now();
    }
  }
  await condition(allHandlersFinished);
  return await continueAsNew<typeof relayAdapter>({ adapterId, hub, rules, state });
}

/** Until time alone changes something, and often enough to miss whoever is gone. A free lease waits with a timer, too: a replay merges a first task that did nothing with the second. */
function waitMs(state: RelayState, rules: RelayRules): number {
  const endsIn = (relay.relayEndsAt(state, rules) ?? Infinity) - Date.now() + 1;
  const calmMs = state.work ? lookMs(rules) : rules.timing.leaseMs;
  return Math.max(1, Math.min(calmMs, endsIn));
}

const lookMs = ({ timing }: RelayRules): number => Math.min(timing.checkMs, MISSED_MS);

/** No other one has this name. */
const promotionOf = (adapterId: string, { task, attempt }: Work): string => `promotion/${adapterId}/${task.kind === 'push' ? task.fence : `back-to-${task.to}`}/${attempt}`;

/** It outlives this run; one that is begun already is begun. */
async function begin(of: RelayedOf, work: Work): Promise<number> {
  const { task, attempt } = work;
  const input: PromoteInput = { ...of, attempt, relay: workflowInfo().firstExecutionRunId, ...(work.step === 'judging' ? { step: 'judging', task } : { step: 'publishing', version: work.version }) };
  await startChild<typeof promoteAdapter>('promoteAdapter', {
    workflowId: promotionOf(of.adapterId, work),
    args: [input],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    parentClosePolicy: 'ABANDON',
    staticSummary: `${of.adapterId} · ${task.kind === 'push' ? `a push under fence ${task.fence}` : `back to version ${task.to}`} · attempt ${attempt}`,
  }).catch((error: unknown) => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  });
  return attempt;
}

/** A bucket that has not answered for hours, or not to us; nothing where nobody has tried, as no worker was there, or this run is over. */
function uncopied(error: unknown): relay.Copied | undefined {
  const failure = error instanceof ActivityFailure ? error.cause : error;
  const cause = failure instanceof TimeoutFailure ? failure.cause : failure;
  if (isCancellation(error) || !(cause instanceof Error)) return undefined;
  return { kind: 'refused', reason: `it could not be fetched: ${cause.message.slice(0, 200)}` };
}

/** Where nobody can say, it goes on waiting. */
const hasEnded = (workflowId: string): Promise<boolean> =>
  quick.isRunning(workflowId).then((isRunning) => !isRunning, (error: unknown) => {
    if (isCancellation(error)) throw error;
    return false;
  });

function named({ holder }: { holder: string }): void {
  if (typeof holder !== 'string' || holder === '' || holder.length > MAX_NAME_LENGTH) throw ApplicationFailure.nonRetryable(`Expected the hotkey of the holder, 1 to ${MAX_NAME_LENGTH} characters`, 'InvalidInput');
}

function describe({ lease: { current, fence, waiting }, version, work, candidates }: RelayState): string {
  const holder = current.kind === 'held' ? `held by ${literal(current.holder)} until ${new Date(current.expiresAt).toISOString()}` : 'free';
  const at = work ? ` · ${work.step} a ${work.task.kind}, attempt ${work.attempt}` : '';
  return `version ${version?.sequence ?? 0} · ${holder} · fence ${fence} · ${waiting.length} waiting · ${candidates.length} candidates${at}`;
}
