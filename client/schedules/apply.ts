import { ScheduleAlreadyRunning, type ScheduleClient, type ScheduleDescription } from '@temporalio/client';
import { InvalidInput } from '../../genki/errors.ts';
import { durationText } from '../duration.ts';
import { changes, optionsOf, scheduleId, settingsOf, type Plan } from './plan.ts';

export type Applied = { readonly id: string; readonly what: 'created' | 'changed' | 'unchanged'; readonly changes: readonly string[]; readonly description: ScheduleDescription };

/**
 * Makes a schedule as it is planned: a new one, or the one that is there, which stays paused if it was.
 * @throws {InvalidInput} when the server does not take its cron expression, or it is never due; then all is as before
 */
export async function applySchedule(client: ScheduleClient, plan: Plan): Promise<Applied> {
  const id = scheduleId(plan.unit, plan.netuid);
  const handle = client.getHandle(id);
  try {
    await client.create({ scheduleId: id, ...optionsOf(plan) });
    const description = await handle.describe();
    if (isNever(description)) {
      await handle.delete();
      throw neverDue(plan);
    }
    return { id, what: 'created', changes: [], description };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw inWords(error, plan);
  }
  const before = await handle.describe();
  await handle.update(({ state }) => ({ ...optionsOf(plan), state })).catch((error: unknown) => { throw inWords(error, plan); });
  const description = await handle.describe();
  if (isNever(description)) {
    await handle.update(({ state }) => ({ ...before, state }));
    throw neverDue(plan);
  }
  const changed = changes(settingsOf(before), settingsOf(description));
  return { id, what: changed.length > 0 ? 'changed' : 'unchanged', changes: changed, description };
}

/** Only the server knows, and only of a schedule that is there: 30 February is a day to it. */
const isNever = ({ info }: ScheduleDescription): boolean => info.nextActionTimes.length === 0;

const neverDue = ({ rhythm }: Plan): InvalidInput => new InvalidInput(`Expected a rhythm that is due some day, got ${'cron' in rhythm ? `"${rhythm.cron}"` : durationText(rhythm.everyMs)}, which never is`);

/** The client says with a TypeError what the server finds wrong with a request. */
function inWords(error: unknown, { rhythm }: Plan): unknown {
  if (!(error instanceof TypeError && 'cron' in rhythm)) return error;
  return new InvalidInput(`Expected a cron expression of five fields such as "*/5 * * * *", got "${rhythm.cron}": ${error.message}`, { cause: error });
}
