import { ScheduleNotFoundError, WorkflowFailedError, WorkflowNotFoundError, type ScheduleDescription, type ScheduleExecutionResult, type WorkflowClient } from '@temporalio/client';
import { begunIn, type Unit } from '../../activities/clock-ledger.ts';
import type { Participant } from '../../activities/participants.ts';
import { countOf, missedOf, type Span } from '../../genki/protocol/clock.ts';
import { windowOf } from '../../genki/protocol/window.ts';
import type { TickOutcome } from '../../workflows/begin-due.ts';
import type { Connected } from '../connect.ts';
import { scheduleId, settingsOf, TICKS, type Settings } from './plan.ts';

export type Tick = { readonly at: string; readonly workflowId: string; readonly state: string; readonly outcome?: TickOutcome; readonly error?: string };
export type ScheduleState = {
  readonly id: string;
  readonly settings: Settings;
  readonly paused: boolean;
  readonly note: string;
  readonly next: readonly string[];
  /** Newest first. */
  readonly last: readonly Tick[];
  readonly taken: number;
  /** Not taken, since the tick before was still under way. */
  readonly skipped: number;
  /** Not taken, since the server was down for longer than is caught up. */
  readonly late: number;
};
/** One participant's clock: what was begun for it, and what passed without. */
export type Clock = { readonly name: string; readonly unit: Unit; readonly begun: number; readonly newest: number | null; readonly missed: number; /** the latest ones */ readonly spans: readonly Span[] };

const SHOWN = 3;

/** Every schedule of this machine's subnet, and any other that starts our ticks. */
export async function surveySchedules({ temporal, deployment }: Connected): Promise<ScheduleState[]> {
  const { netuid } = deployment.competition;
  const ids = new Set([scheduleId('epoch', netuid), scheduleId('window', netuid)]);
  const types = new Set<string | undefined>(Object.values(TICKS));
  for await (const { scheduleId: id, action } of temporal.schedule.list()) if (types.has(action?.workflowType)) ids.add(id);
  const states: ScheduleState[] = [];
  for (const id of ids) {
    const description = await temporal.schedule.getHandle(id).describe().catch((error: unknown) => {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    });
    if (description) states.push(await stateOf(temporal.workflow, description));
  }
  return states;
}

async function stateOf(client: WorkflowClient, description: ScheduleDescription): Promise<ScheduleState> {
  const { scheduleId: id, state, info } = description;
  return {
    id,
    settings: settingsOf(description),
    paused: state.paused,
    note: state.note ?? '',
    next: state.paused ? [] : info.nextActionTimes.slice(0, SHOWN).map((at) => at.toISOString()),
    last: await Promise.all(info.recentActions.slice(-SHOWN).reverse().map((action) => tickOf(client, action))),
    taken: info.numActionsTaken,
    skipped: info.numActionsSkippedOverlap,
    late: info.numActionsMissedCatchupWindow,
  };
}

async function tickOf(client: WorkflowClient, { takenAt, action: { workflow } }: ScheduleExecutionResult): Promise<Tick> {
  const { workflowId, firstExecutionRunId } = workflow;
  const tick = { at: takenAt.toISOString(), workflowId };
  const handle = client.getHandle<() => Promise<TickOutcome>>(workflowId, firstExecutionRunId);
  try {
    const { status } = await handle.describe();
    const state = status.name.toLowerCase().replaceAll('_', ' ');
    if (status.name === 'RUNNING') return { ...tick, state };
    return await handle.result().then((outcome) => ({ ...tick, state, outcome }), (error: unknown) => ({ ...tick, state, error: rootOf(error) }));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return { ...tick, state: 'forgotten' };
  }
}

const rootOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootOf(error.cause) : error instanceof WorkflowFailedError ? '' : error.message;
};

/** The clocks of all participants of this machine; what was missed, up to the chain's finalized head where it answers, or else to what was begun last. */
export async function surveyClocks({ chain, store, deployment, participants }: Connected): Promise<{ readonly chainAnswers: boolean; readonly clocks: readonly Clock[] }> {
  const { netuid, timing } = deployment.competition;
  const head = await chain.head().catch(() => undefined);
  const epoch = head && (await chain.metagraph(netuid, head.hash).catch(() => undefined))?.epoch;
  const clockOf = async ({ name, privateBucket: bucket }: Participant, unit: Unit, now: number | undefined): Promise<Clock> => {
    const begun = await begunIn(store, { bucket, unit, netuid });
    const newest = begun.at(-1);
    const spans = newest === undefined ? [] : missedOf(begun, Math.max(now ?? 0, newest + 1));
    return { name, unit, begun: begun.length, newest: newest ?? null, missed: countOf(spans), spans: spans.slice(-SHOWN) };
  };
  const window = head && windowOf(head.number, timing.windowBlocks);
  const validators = participants.filter(({ role }) => role === 'validator').map((one) => clockOf(one, 'epoch', epoch));
  const miners = participants.filter(({ role, dataset }) => role === 'miner' && dataset).map((one) => clockOf(one, 'window', window));
  return { chainAnswers: epoch !== undefined, clocks: await Promise.all([...validators, ...miners]) };
}
