import type { WorkflowHandle } from '@temporalio/client';

/** How large a workflow's history is. */
export type HistoryFacts = { readonly events: number; readonly bytes: number; /** of one argument or result, in bytes */ readonly largestPayload: number };

export async function measureHistory(handle: WorkflowHandle): Promise<HistoryFacts> {
  const [{ historyLength, historySize }, { events }] = await Promise.all([handle.describe(), handle.fetchHistory()]);
  return { events: historyLength, bytes: historySize ?? 0, largestPayload: largestPayload(events) };
}

/** Payloads are the only bytes in a history. */
function largestPayload(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((largest: number, member) => Math.max(largest, largestPayload(member)), 0);
}
