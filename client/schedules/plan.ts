import type { ScheduleDescription, ScheduleOptions } from '@temporalio/client';
import type { Unit } from '../../activities/clock-ledger.ts';
import { WORKFLOW_QUEUE } from '../../workflows/queues.ts';
import { durationText } from '../duration.ts';

/** When a schedule ticks: as often as that, or by a cron expression. */
export type Rhythm = { readonly everyMs: number } | { readonly cron: string };
export type Plan = { readonly unit: Unit; readonly netuid: number; readonly rhythm: Rhythm; readonly jitterMs: number };

export const TICKS = { epoch: 'epochTick', window: 'windowTick' } as const;

/** Of this machine's schedule: `epoch/1` begins rounds, `window/1` training windows. */
export const scheduleId = (unit: Unit, netuid: number): string => `${unit}/${netuid}`;

/** More than a tick needs; one that hangs holds up the next ones until then, since ticks do not overlap. */
const TICK_TIMEOUT_MS = 15 * 60_000;
/** Of ticks that were due while the server was down, about one is made good: it reads everything from the chain. */
const CRON_CATCH_UP_MS = 5 * 60_000;
/** The server's own limit. */
const LEAST_CATCH_UP_MS = 10_000;

/** An eighth of an epoch or window may pass before it is begun, but a tick a minute is enough, and one in five minutes few. */
export const defaultEveryMs = (periodMs: number): number => Math.min(5 * 60_000, Math.max(60_000, Math.floor(periodMs / 8000) * 1000));

/** What Temporal is asked for. A tick is never retried as a whole: the next one does its work. */
export function optionsOf({ unit, netuid, rhythm, jitterMs }: Plan): Omit<ScheduleOptions, 'scheduleId' | 'state' | 'memo'> {
  return {
    spec: {
      ...('cron' in rhythm ? { cronExpressions: [rhythm.cron] } : { intervals: [{ every: rhythm.everyMs }] }),
      ...(jitterMs > 0 && { jitter: jitterMs }),
    },
    policies: { overlap: 'SKIP', catchupWindow: 'cron' in rhythm ? CRON_CATCH_UP_MS : Math.max(LEAST_CATCH_UP_MS, rhythm.everyMs), pauseOnFailure: false },
    action: {
      type: 'startWorkflow',
      workflowType: TICKS[unit],
      workflowId: `${unit}-tick/${netuid}`,
      taskQueue: WORKFLOW_QUEUE,
      args: [],
      workflowExecutionTimeout: TICK_TIMEOUT_MS,
      staticSummary: `netuid ${netuid} · begin what is due in this ${unit}`,
    },
  };
}

/** A schedule in words, setting by setting. */
export type Settings = Readonly<Record<'ticks' | 'jitter' | 'catch-up' | 'overlap' | 'starts' | 'timeout', string>>;

export function settingsOf({ spec, policies, action }: Pick<ScheduleDescription, 'spec' | 'policies' | 'action'>): Settings {
  const { retry, args, workflowType, workflowId, taskQueue, workflowExecutionTimeout } = action;
  return {
    ticks: rhythmText(spec),
    jitter: spec.jitter ? durationText(Number(spec.jitter)) : 'none',
    'catch-up': durationText(policies.catchupWindow),
    overlap: `${policies.overlap}${policies.pauseOnFailure ? ', pause on failure' : ''}`,
    starts: `${workflowType}${args?.length ? ` ${JSON.stringify(args)}` : ''} as ${workflowId} on ${taskQueue}${retry ? `, retry ${JSON.stringify(retry)}` : ''}`,
    timeout: workflowExecutionTimeout ? durationText(Number(workflowExecutionTimeout)) : 'none',
  };
}

/** `every 5m`, `cron 0 * * * *`, or both, as the server has understood it. */
export function rhythmText({ calendars = [], intervals = [], skip = [], startAt, endAt, timezone }: ScheduleDescription['spec']): string {
  return [
    ...intervals.map(({ every, offset }) => `every ${durationText(every)}${offset ? ` and ${durationText(offset)}` : ''}`),
    ...calendars.map((calendar) => `cron ${cronOf(calendar)}`),
    ...skip.map((calendar) => `not ${cronOf(calendar)}`),
    ...(startAt ? [`from ${startAt.toISOString()}`] : []),
    ...(endAt ? [`to ${endAt.toISOString()}`] : []),
    ...(timezone ? [`in ${timezone}`] : []),
  ].join(', ') || 'never';
}

type Calendar = NonNullable<ScheduleDescription['spec']['calendars']>[number];
type Field = readonly { readonly start: number | string; readonly end: number | string; readonly step: number }[];

/** Minute, hour, day, month, weekday; with the seconds before them and the years behind them where those are given. */
function cronOf({ second, minute, hour, dayOfMonth, month, year, dayOfWeek }: Calendar): string {
  const text = (field: Field, first: number | string, last: number | string): string =>
    field.map(({ start, end, step }) => `${start === first && end === last ? '*' : start === end ? start : `${start}-${end}`}${step > 1 ? `/${step}` : ''}`).join(',');
  const seconds = text(second, 0, 59);
  const fields = [text(minute, 0, 59), text(hour, 0, 23), text(dayOfMonth, 1, 31), text(month, 'JANUARY', 'DECEMBER'), text(dayOfWeek, 'SUNDAY', 'SATURDAY')];
  if (seconds !== '0') fields.unshift(seconds);
  if (year.length > 0) fields.push(text(year, '*', '*'));
  return fields.join(' ');
}

/** `ticks: every 5m → cron 0 * * * *` for each setting that differs. */
export function changes(before: Settings, after: Settings): string[] {
  const names = Object.keys(after) as (keyof Settings)[];
  return names.filter((name) => before[name] !== after[name]).map((name) => `${name}: ${before[name]} → ${after[name]}`);
}
