import type { Client } from '@temporalio/client';

/** What still runs, a line each: its activities, how often they were tried, and what went wrong last. */
export async function underWay(client: Client): Promise<string[]> {
  const lines: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    const activities = (raw.pendingActivities ?? []).map(({ activityType, attempt, lastFailure }) => `${activityType?.name} (attempt ${attempt}${lastFailure?.message ? `, ${lastFailure.message.slice(0, 200)}` : ''})`);
    lines.push(`${workflowId}: ${activities.join('; ') || 'waits'}`);
  }
  return lines;
}
