import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { LeaseState } from '../../genki/protocol/lease.ts';
import { HOTKEY, OUTCOME, PHASE } from '../../workflows/search-attributes.ts';

export type Running = { readonly workflowId: string; readonly type: string; readonly hotkey: string | null; readonly phase: string; /** when it began */ readonly since: string };
export type Ended = { readonly workflowId: string; readonly type: string; readonly hotkey: string | null; readonly outcome: string; readonly at: string };
export type Lease = { readonly adapter: string; /** null when it is free */ readonly holder: string | null; readonly until: string | null; readonly waiting: number };
export type Schedule = { readonly id: string; readonly starts: string; readonly paused: boolean; readonly note: string; readonly next: string | null };

const TYPES = 'WorkflowType IN ("trainingWindow", "validationRound", "closeWindow", "pretrainBase")';
/** As much of a list as fits on a screen. */
const SHOWN = 20;
const OUTCOMES = 5;

/** Windows and rounds that are under way, newest first. */
export async function running({ workflow }: Client): Promise<Running[]> {
  const found = await firstOf(workflow.list({ query: `${TYPES} AND ExecutionStatus = "Running"`, pageSize: SHOWN }), SHOWN);
  return found.map((one) => ({ ...whose(one), phase: one.typedSearchAttributes.get(PHASE) ?? 'resolve', since: one.startTime.toISOString() }));
}

/** How the last windows and rounds ended, newest first. */
export async function ended({ workflow }: Client): Promise<Ended[]> {
  const found = await firstOf(workflow.list({ query: `${TYPES} AND ExecutionStatus != "Running"`, pageSize: SHOWN }), SHOWN);
  const outcomes = found.map((one) => ({ ...whose(one), outcome: one.typedSearchAttributes.get(OUTCOME) ?? one.status.name.toLowerCase().replaceAll('_', ' '), at: (one.closeTime ?? one.startTime).toISOString() }));
  return outcomes.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, OUTCOMES);
}

/** Who holds which adapter; only a worker can tell. */
export async function leases({ workflow }: Client): Promise<Lease[]> {
  const found = await firstOf(workflow.list({ query: 'WorkflowType = "adapterLease" AND ExecutionStatus = "Running"', pageSize: SHOWN }), SHOWN);
  const states = await Promise.all(found.map(async ({ workflowId }) => ({ workflowId, state: await workflow.getHandle(workflowId).query<LeaseState>('state') })));
  return states.map(({ workflowId, state: { current, waiting } }) => ({
    adapter: workflowId.slice('adapter-lease/'.length),
    ...(current.kind === 'held' ? { holder: current.holder, until: new Date(current.expiresAt).toISOString() } : { holder: null, until: null }),
    waiting: waiting.length,
  }));
}

/** What the server starts by itself; `npm run genki -- schedule list` says more. */
export async function schedules({ schedule }: Client): Promise<Schedule[]> {
  const found = await firstOf(schedule.list(), SHOWN);
  return found.map(({ scheduleId, action, state: { paused, note }, info }) => ({ id: scheduleId, starts: action?.workflowType ?? '–', paused, note: note ?? '', next: paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null) }));
}

const whose = ({ workflowId, type, typedSearchAttributes }: WorkflowExecutionInfo): Pick<Running, 'workflowId' | 'type' | 'hotkey'> => ({ workflowId, type, hotkey: typedSearchAttributes.get(HOTKEY) ?? null });

async function firstOf<T>(list: AsyncIterable<T>, count: number): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) {
    found.push(one);
    if (found.length === count) break;
  }
  return found;
}
