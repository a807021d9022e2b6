import { ScheduleNotFoundError } from '@temporalio/client';
import type { Unit } from '../../activities/clock-ledger.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { spanText } from '../../genki/protocol/clock.ts';
import type { TickOutcome } from '../../workflows/begin-due.ts';
import { connect, type Connected } from '../connect.ts';
import { durationText } from '../duration.ts';
import { table } from '../first-light/screen.ts';
import { applySchedule, type Applied } from '../schedules/apply.ts';
import { defaultEveryMs, optionsOf, scheduleId, settingsOf, type Rhythm } from '../schedules/plan.ts';
import { surveyClocks, surveySchedules, type Clock, type ScheduleState, type Tick } from '../schedules/survey.ts';

/** Neither is both. */
type Which = { readonly rounds: boolean; readonly windows: boolean };
type Output = { readonly json: boolean };

export async function apply({ every, cron, jitter = 0, json, ...which }: Which & Output & { every?: number; cron?: string; jitter?: number }, env: NodeJS.ProcessEnv): Promise<void> {
  const chosen: Rhythm | undefined = cron !== undefined ? { cron } : every !== undefined ? { everyMs: every } : undefined;
  await connected(env, async (network) => {
    const { netuid } = network.deployment.competition;
    const wanted = unitsOf(which).map((unit) => ({ unit, who: whoIn(network, unit) })).filter(({ who }) => who.length > 0);
    if (wanted.length === 0) throw new InvalidInput(`Expected on this machine ${unitsOf(which).map((unit) => WHO[unit]).join(' or ')}, there is none`);
    const plans = await Promise.all(wanted.map(async ({ unit, who }) => {
      const periodMs = await periodOf(network, unit);
      const rhythm = chosen ?? { everyMs: defaultEveryMs(periodMs) };
      return { unit, netuid, rhythm, jitterMs: jitter, about: aboutOf({ unit, who, periodMs, rhythm }) };
    }));
    const done: (Applied & { readonly about: string })[] = [];
    for (const plan of plans) done.push({ ...(await applySchedule(network.temporal.schedule, { id: scheduleId(plan.unit, plan.netuid), rhythm: plan.rhythm, options: optionsOf(plan) })), about: plan.about });
    if (json) return print(done.map(({ description, ...applied }) => ({ ...applied, settings: settingsOf(description), paused: description.state.paused, next: nextOf(description) ?? null })));
    for (const { id, what, changes, about, description } of done) {
      const { paused, note } = description.state;
      const now = changes.length > 0 ? changes.join('; ') : settingsOf(description).ticks;
      process.stdout.write(`${id}  ${what}  ${now}  ${paused ? `paused: ${note}` : `next ${timeText(nextOf(description))}`}\n  ${about}\n`);
    }
  });
}

export async function list({ json }: Output, env: NodeJS.ProcessEnv): Promise<void> {
  await connected(env, async (network) => {
    const schedules = await surveySchedules(network);
    const { chainAnswers, clocks } = await surveyClocks(network);
    if (!chainAnswers) {
      process.stderr.write(`The chain at ${network.settings.network.chain} does not answer: what was missed since the newest is not known.\n`);
      process.exitCode = 1;
    }
    if (json) return print({ schedules, clocks });
    const lines = schedules.length > 0 ? table(['schedule', 'ticks', 'state', 'next', 'last', 'taken', 'skipped', 'late'], schedules.map(scheduleRow)) : ['No schedule yet; make them with: npm run genki -- schedule apply'];
    process.stdout.write(`${[...lines, '', ...table(['who', 'begins each', 'begun', 'newest', 'missed', 'latest missed'], clocks.map(clockRow))].join('\n')}\n`);
  });
}

export const pause = ({ note, ...options }: Which & Output & { note: string }, env: NodeJS.ProcessEnv): Promise<void> => change('paused', options, env, (handle) => handle.pause(note));
export const resume = (options: Which & Output, env: NodeJS.ProcessEnv): Promise<void> => change('resumed', options, env, (handle) => handle.unpause('resumed by genki schedule resume'));
export const remove = (options: Which & Output, env: NodeJS.ProcessEnv): Promise<void> => change('deleted', options, env, (handle) => handle.delete());

type Handle = ReturnType<Connected['temporal']['schedule']['getHandle']>;

/** Those that there are; that there is none of them is an error. */
async function change(what: string, { json, ...which }: Which & Output, env: NodeJS.ProcessEnv, act: (handle: Handle) => Promise<void>): Promise<void> {
  await connected(env, async ({ temporal, deployment }) => {
    const ids = unitsOf(which).map((unit) => scheduleId(unit, deployment.competition.netuid));
    const done: { id: string; what: string }[] = [];
    for (const id of ids) {
      const isThere = await act(temporal.schedule.getHandle(id)).then(() => true, (error: unknown) => {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
        return false;
      });
      if (isThere) done.push({ id, what });
    }
    if (done.length === 0) throw new InvalidInput(`Expected the schedule ${ids.join(' or ')}, there is none; make it with: npm run genki -- schedule apply`);
    if (json) return print(done);
    process.stdout.write(done.map(({ id }) => `${id}  ${what}\n`).join(''));
  });
}

async function connected(env: NodeJS.ProcessEnv, task: (network: Connected) => Promise<void>): Promise<void> {
  const network = await connect(env);
  try {
    await task(network);
  } finally {
    await network.close();
  }
}

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const WHO = { epoch: 'a validator', window: 'a miner with a dataset' } as const;

const nextOf = ({ info }: Applied['description']): string | undefined => info.nextActionTimes[0]?.toISOString();

const unitsOf = ({ rounds, windows }: Which): Unit[] => (rounds === windows ? ['epoch', 'window'] : [rounds ? 'epoch' : 'window']);

const whoIn = ({ participants }: Connected, unit: Unit): string[] => participants.filter((p) => (unit === 'epoch' ? p.role === 'validator' : p.role === 'miner' && p.dataset)).map(({ name }) => name);

/** How long an epoch or window takes, if every block comes in time. */
async function periodOf({ chain, deployment: { blockMs, competition } }: Connected, unit: Unit): Promise<number> {
  if (unit === 'window') return competition.timing.windowBlocks * blockMs;
  return (await chain.metagraph(competition.netuid, (await chain.head()).hash)).tempo * blockMs;
}

function aboutOf({ unit, who, periodMs, rhythm }: { unit: Unit; who: readonly string[]; periodMs: number; rhythm: Rhythm }): string {
  const begins = `begins ${unit === 'epoch' ? 'a round' : 'a training window'} for ${who.join(', ')}, once in each ${unit} of ${durationText(periodMs)}`;
  if (!('everyMs' in rhythm) || rhythm.everyMs <= periodMs) return begins;
  return `${begins}; ${unit}s are shorter than that: of ${Math.round(rhythm.everyMs / periodMs)} about ${Math.round(rhythm.everyMs / periodMs) - 1} are missed, and recorded as missed`;
}

const timeText = (iso: string | undefined): string => iso?.replace('T', ' ').replace(/\.\d+Z$/, 'Z') ?? 'never';

function scheduleRow({ id, settings, paused, note, next, last, taken, skipped, late }: ScheduleState): string[] {
  const ticks = settings.jitter === 'none' ? settings.ticks : `${settings.ticks}, jitter ${settings.jitter}`;
  return [id, ticks, paused ? `paused: ${note}` : 'running', paused ? '–' : timeText(next[0]), last[0] ? lastText(last[0]) : '–', String(taken), String(skipped), String(late)];
}

function lastText({ at, state, outcome, error }: Tick): string {
  return `${timeText(at)} ${outcome ? outcomeText(outcome) : error ? `${state}: ${error}` : state}`;
}

/** `begun, epoch 24; missed 21–23` */
function outcomeText({ unit, number, begun, missed }: TickOutcome): string {
  const spans = [...new Set(missed.map(spanText))].join(', ');
  return `${begun.length > 0 ? 'begun' : 'idle'}, ${unit} ${number}${spans && `; missed ${spans}`}`;
}

const clockRow = ({ name, unit, begun, newest, missed, spans }: Clock): string[] => [name, unit, String(begun), newest === null ? '–' : String(newest), String(missed), spans.map(spanText).join(', ') || '–'];
