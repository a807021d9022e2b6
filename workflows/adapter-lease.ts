import { allHandlersFinished, ApplicationFailure, condition, continueAsNew, defineQuery, defineSignal, defineUpdate, getExternalWorkflowHandle, isCancellation, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { acquire, emptyLeaseState, holderGone, LEASE_TIMING, leaseEndsAt, release, renew, tick, type Holder, type LeaseAnswer, type LeaseState, type LeaseTiming } from '../genki/protocol/lease.ts';
import { quick } from './steps.ts';

export type AdapterLeaseInput = { readonly adapterId: string; readonly timing?: LeaseTiming; readonly state?: LeaseState };

/** An Update, because the asker needs the answer: the grant or its place in the queue. Asking twice is one ticket. */
export const acquireLease = defineUpdate<LeaseAnswer, [{ holder: string }]>('acquire');
/** An Update, because a holder that has lost the lease has to stop; it never moves the lease's end. */
export const renewLease = defineUpdate<boolean, [Holder]>('renew');
/** A late or strange release changes nothing, so nobody waits for an answer. */
export const releaseLease = defineSignal<[Holder]>('release');
export const leaseState = defineQuery<LeaseState>('state');
/** To a waiting holder: its turn has come. */
export const leaseGranted = defineSignal<[{ adapterId: string }]>('leaseGranted');

/** Longer than any id that we give; the server would refuse a signal to one of more than 1000 bytes, again and again. */
const MAX_ID_LENGTH = 300;

/** Who may train and push one adapter: first come first served, three hours at most, each grant with a higher fence. */
export async function adapterLease(input: AdapterLeaseInput): Promise<never> {
  if (typeof input?.adapterId !== 'string' || input.adapterId === '') throw ApplicationFailure.nonRetryable('Expected {adapterId} of the adapter that is leased', 'InvalidInput');
  const { adapterId, timing = LEASE_TIMING, state: carried = emptyLeaseState } = input;
  let state = carried;
  let changed = true;
  const move = (next: LeaseState): void => {
    changed ||= next !== state;
    state = next;
  };
  const named = ({ holder }: { holder: string }): void => {
    if (typeof holder !== 'string' || holder === '' || holder.length > MAX_ID_LENGTH) {
      throw ApplicationFailure.nonRetryable(`Expected the workflow id of the holder, 1 to ${MAX_ID_LENGTH} characters`, 'InvalidInput');
    }
  };

  setHandler(acquireLease, ({ holder }) => { const next = acquire(state, { holder, now: Date.now() }, timing); move(next.state); return next.answer; }, { validator: named, description: 'take the lease, or a place in the queue' });
  setHandler(renewLease, (held) => { const next = renew(state, { ...held, now: Date.now() }, timing); move(next.state); return next.renewed; }, { validator: named, description: 'prove to be alive' });
  setHandler(releaseLease, (held) => move(release(state, { ...held, now: Date.now() }, timing)), { description: 'give the lease back' });
  setHandler(leaseState, () => state, { description: 'holder, fence, end and queue' });

  // also questions that change nothing fill the history; and all answers go out before anything else, since
  // a replay may hand over in one piece what came in two
  const mustWake = (): boolean => (changed || workflowInfo().continueAsNewSuggested) && allHandlersFinished();
  // from 0, since the last run may have granted without telling; to be told twice does no harm
  let told = 0;
  while (!workflowInfo().continueAsNewSuggested) {
    // a free lease waits with a timer too: a replay merges a first task that did nothing with the second
    const endsIn = (leaseEndsAt(state, timing) ?? Infinity) - Date.now() + 1;
    const waitMs = Math.max(1, Math.min(state.current.kind === 'free' ? timing.leaseMs : timing.checkMs, endsIn));
    const calm = !(await condition(mustWake, waitMs));
    changed = false;
    const { current } = state;
    // a holder that ended without releasing keeps nobody waiting for three hours
    if (calm && current.kind === 'held' && (await hasEnded(current.holder)) && state.current === current) move(holderGone(state, { holder: current.holder, now: Date.now() }, timing));
    move(tick(state, Date.now(), timing));
    setCurrentDetails(describe(state));
    const { current: now, fence } = state;
    if (now.kind === 'held' && fence > told) await tell(now.holder, adapterId);
    told = fence;
  }
  await condition(allHandlersFinished);
  return await continueAsNew<typeof adapterLease>({ adapterId, timing, state });
}

/** Where nobody can say, the holder keeps its lease; and with this workflow the fences would start anew. */
const hasEnded = (holder: string): Promise<boolean> =>
  quick.isRunning(holder).then((isRunning) => !isRunning, (error: unknown) => {
    if (isCancellation(error)) throw error;
    return false;
  });

/** The one told may be gone already; then the next check frees what it was granted. */
const tell = (holder: string, adapterId: string): Promise<void> => getExternalWorkflowHandle(holder).signal(leaseGranted, { adapterId }).catch(() => undefined);

function describe({ current, fence, waiting }: LeaseState): string {
  const holder = current.kind === 'held' ? `held by \`${current.holder}\` until ${new Date(current.expiresAt).toISOString()}` : 'free';
  return `${holder} · fence ${fence} · ${waiting.length} waiting`;
}
