import { getClient } from '@temporalio/activity';
import { WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { LeaseLost } from '../genki/errors.ts';
import type { Holder, LeaseAnswer, LeaseTiming } from '../genki/protocol/lease.ts';
import { rethrowCause } from './refused-update.ts';

export type LeaseActivities = ReturnType<typeof createLeaseActivities>;

const leaseId = (adapterId: string): string => `adapter-lease/${adapterId}`;

/** No answer, where there is no such workflow. */
function unlessGone(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/** Talks to the lease of an adapter, which is a workflow of its own. */
export const createLeaseActivities = ({ workflowQueue }: { readonly workflowQueue: string }) => ({
  /** The grant, or a place in the queue; starts the lease's workflow where there is none. */
  async acquireLease({ adapterId, holder, timing }: { adapterId: string; holder: string; timing?: LeaseTiming }): Promise<LeaseAnswer> {
    const startWorkflowOperation = new WithStartWorkflowOperation('adapterLease', {
      workflowId: leaseId(adapterId),
      taskQueue: workflowQueue,
      args: [{ adapterId, ...(timing && { timing }) }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `lease of ${adapterId}`,
    });
    return await getClient().workflow.executeUpdateWithStart<Workflow, LeaseAnswer, [{ holder: string }]>('acquire', { args: [{ holder }], startWorkflowOperation }).catch(rethrowCause);
  },

  /** @throws {LeaseLost} when somebody else may hold it by now */
  async renewLease({ adapterId, ...held }: Holder & { adapterId: string }): Promise<void> {
    const renewed = await getClient().workflow.getHandle(leaseId(adapterId)).executeUpdate<boolean, [Holder]>('renew', { args: [held] }).catch(unlessGone).catch(rethrowCause);
    if (!renewed) throw new LeaseLost(`Expected ${held.holder} to hold ${adapterId} with fence ${held.fence}, it does not any more`);
  },

  /** A lease whose workflow is gone needs no release. */
  async releaseLease({ adapterId, ...held }: Holder & { adapterId: string }): Promise<void> {
    await getClient().workflow.getHandle(leaseId(adapterId)).signal('release', held).catch(unlessGone);
  },

  /** Whether a workflow is still under way. */
  async isRunning(workflowId: string): Promise<boolean> {
    try {
      return (await getClient().workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  },
});
