import { getClient } from '@temporalio/activity';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { rethrowCause } from './refused-update.ts';
import type { Effect } from './wallet.ts';

/** `key` names the effect for ever (`weights/12/4711`): whoever asks twice gets the same extrinsic. */
export type SubmissionRequest = { readonly key: string; readonly effect: Effect; /** workflow to tell the outcome */ readonly replyTo: string };
export type SubmissionOutcome =
  | { readonly kind: 'landed'; readonly key: string; readonly block: number; readonly extrinsic?: string }
  | { readonly kind: 'refused'; readonly key: string; readonly code: string; readonly message: string };

export type SubmitActivities = ReturnType<typeof createSubmitActivities>;

export const createSubmitActivities = ({ workflowQueue }: { readonly workflowQueue: string }) => ({
  /**
   * Hands a request to the one submitter of this hotkey, starting it where it is not running.
   * Asking again for the same effect gives what is known of it.
   */
  async requestSubmission({ hotkey, request }: { hotkey: string; request: SubmissionRequest }): Promise<SubmissionOutcome | undefined> {
    const startWorkflowOperation = new WithStartWorkflowOperation('chainSubmitter', {
      workflowId: `chain/${hotkey}`,
      taskQueue: workflowQueue,
      args: [{ hotkey }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `extrinsics of ${hotkey}`,
    });
    return await getClient().workflow.executeUpdateWithStart<Workflow, SubmissionOutcome | undefined, [SubmissionRequest]>('submit', { args: [request], startWorkflowOperation }).catch(rethrowCause);
  },
});
