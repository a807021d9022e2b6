import { ScheduleAlreadyRunning, type ScheduleClient, type ScheduleDescription, type ScheduleOptions } from '@temporalio/client';
import { InvalidInput } from '../../genki/errors.ts';
import { durationText } from '../duration.ts';
import { changes, settingsOf, type Rhythm } from './plan.ts';

export type Applied = { readonly id: string; readonly what: 'created' | 'changed' | 'unchanged'; readonly changes: readonly string[]; readonly description: ScheduleDescription };

/** What a schedule is to be, by its id. */
export type Wanted = { readonly id: string; readonly rhythm: Rhythm; readonly options: Omit<ScheduleOptions, 'scheduleId' | 'state' | 'memo'> };

/**
 * Makes a schedule as it is planned: a new one, or the one that is there, which stays paused if it was.
 * @throws {InvalidInput} when the server does not take its cron expression, or it is never due; then all is as before
 */
export async function applySchedule(client: ScheduleClient, wanted: Wanted): Promise<Applied> {
  const { id, options } = wanted;
  const handle = client.getHandle(id);
  try {
    await client.create({ scheduleId: id, ...options });
    const description = await handle.describe();
    if (isNever(description)) {
      await handle.delete();
      throw neverDue(wanted);
    }
    return { id, what: 'created', changes: [], description };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw inWords(error, wanted);
  }
  const before = await handle.describe();
  await handle.update(({ state }) => ({ ...options, state })).catch((error: unknown) => { throw inWords(error, wanted); });
  const description = await handle.describe();
  if (isNever(description)) {
    await handle.update(({ state }) => ({ ...before, state }));
    throw neverDue(wanted);
  }
  const changed = changes(settingsOf(before), settingsOf(description));
  return { id, what: changed.length > 0 ? 'changed' : 'unchanged', changes: changed, description };
}

/** Only the server knows, and only of a schedule that is there: 30 February is a day to it. */
const isNever = ({ info }: ScheduleDescription): boolean => info.nextActionTimes.length === 0;

const neverDue = ({ rhythm }: Wanted): InvalidInput => new InvalidInput(`Expected a rhythm that is due some day, got ${'cron' in rhythm ? `"${rhythm.cron}"` : durationText(rhythm.everyMs)}, which never is`);

/** The client says with a TypeError what the server finds wrong with a request. */
function inWords(error: unknown, { rhythm }: Wanted): unknown {
  if (!(error instanceof TypeError && 'cron' in rhythm)) return error;
  return new InvalidInput(`Expected a cron expression of five fields such as "*/5 * * * *", got "${rhythm.cron}": ${error.message}`, { cause: error });
}
