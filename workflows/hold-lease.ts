import { ActivityFailure, ApplicationFailure, CancellationScope, condition, isCancellation, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { LEASE_TIMING, type Holder } from '../genki/protocol/lease.ts';
import { leaseGranted } from './adapter-lease.ts';
import { quick } from './steps.ts';

/** Waits for its turn; the signal is the fast way, asking again the safe one. */
export async function holdLease(adapterId: string): Promise<Holder> {
  const holder = workflowInfo().workflowId;
  let granted = false;
  setHandler(leaseGranted, () => { granted = true; });
  for (;;) {
    const answer = await quick.acquireLease.executeWithOptions({ summary: `lease of ${adapterId}` }, [{ adapterId, holder }]);
    if (answer.kind === 'granted') return { holder, fence: answer.fence };
    if (answer.kind === 'barred') await sleep(Math.max(1, answer.until - Date.now()), { summary: 'let its last lease lapse' });
    else await condition(() => granted, LEASE_TIMING.checkMs, { summary: 'ask for the lease again' });
    granted = false;
  }
}

/** What the work gives, while a keeper beside it proves to the lease that its holder lives; losing the lease cancels the work. */
export async function underLease<T>(adapterId: string, lease: Holder, work: () => Promise<T>): Promise<T> {
  return await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    let lost: unknown;
    const keeper = keepLease(adapterId, lease).catch((error: unknown) => {
      if (!isCancellation(error)) lost = error;
      scope.cancel();
    });
    try {
      return await work();
    } catch (error) {
      throw isCancellation(error) && lost !== undefined ? lost : error;
    } finally {
      scope.cancel();
      await keeper;
    }
  });
}

/** Whether it passed to somebody else. */
export const isLeaseLost = (error: unknown): boolean => {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.type === 'LeaseLost';
};

async function keepLease(adapterId: string, lease: Holder): Promise<never> {
  for (;;) {
    await sleep(LEASE_TIMING.checkMs, { summary: 'renew the lease' });
    await quick.renewLease.executeWithOptions({ summary: `renew lease · fence ${lease.fence}` }, [{ adapterId, ...lease }]);
  }
}
