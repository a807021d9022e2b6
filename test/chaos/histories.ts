import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { ObjectRef } from '../../genki/store/object-store.ts';

type Event = NonNullable<Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>['events']>[number];
export type Past = { readonly workflowId: string; readonly type: string; readonly status: string; readonly events: readonly Event[] };

/** Every run that the server knows, with its history. */
export async function everyHistory(client: Client): Promise<Past[]> {
  const pasts: Past[] = [];
  for await (const { workflowId, runId, type, status } of client.workflow.list()) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    pasts.push({ workflowId, type, status: status.name, events: events ?? [] });
  }
  return pasts;
}

/** What an activity of a run gave back, with when; in the order of the history. */
export function resultsOf({ events }: Past, activity: string): { readonly at: number; readonly value: unknown }[] {
  const scheduled = new Set(events.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity).map(({ eventId }) => String(eventId)));
  return events.flatMap((event) => {
    const done = event.activityTaskCompletedEventAttributes;
    const payload = done?.result?.payloads?.[0];
    return done && payload && scheduled.has(String(done.scheduledEventId)) ? [{ at: timeOf(event), value: defaultPayloadConverter.fromPayload(payload) }] : [];
  });
}

/** When an activity was first handed to a worker's queue. */
export function scheduledAt({ events }: Past, activity: string): number | undefined {
  const event = events.find((one) => one.activityTaskScheduledEventAttributes?.activityType?.name === activity);
  return event && timeOf(event);
}

/** Every object that an activity or a workflow says it has written or read. */
export function referencesOf(pasts: readonly Past[]): ObjectRef[] {
  const found = new Map<string, ObjectRef>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (isReference(value)) found.set(`${value.bucket}/${value.key}`, value);
    for (const member of Object.values(value)) look(member);
  };
  for (const { events } of pasts) {
    for (const event of events) {
      const { result } = event.activityTaskCompletedEventAttributes ?? event.workflowExecutionCompletedEventAttributes ?? {};
      for (const payload of result?.payloads ?? []) look(defaultPayloadConverter.fromPayload(payload));
    }
  }
  return [...found.values()];
}

const isReference = (value: object): value is ObjectRef => 'bucket' in value && 'key' in value && 'sha256' in value && 'bytes' in value;

const timeOf = ({ eventTime }: Event): number => Number(eventTime?.seconds ?? 0) * 1000 + Number(eventTime?.nanos ?? 0) / 1e6;
