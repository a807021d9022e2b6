import { WorkflowExecutionAlreadyStartedError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { trainingWindow } from '../../workflows/training-window.ts';
import type { validationRound } from '../../workflows/validation-round.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';

type Started = { readonly trainingWindow: typeof trainingWindow; readonly validationRound: typeof validationRound };

/** Starts a workflow under a name of its own, or finds the one that was started under it before. */
export async function startOnce<K extends keyof Started>(client: Client, type: K, { workflowId, input, summary }: { workflowId: string; input: Parameters<Started[K]>[0]; summary: string }): Promise<WorkflowHandle<Started[K]>> {
  try {
    await client.workflow.start(type as string, { workflowId, taskQueue: WORKFLOW_QUEUE, args: [input], workflowIdReusePolicy: 'REJECT_DUPLICATE', staticSummary: summary });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return client.workflow.getHandle<Started[K]>(workflowId);
}
