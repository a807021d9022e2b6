import { ScheduleAlreadyRunning, type ScheduleClient, type ScheduleDescription } from '@temporalio/client';
import { InvalidInput } from '../../genki/errors.ts';
import { changes, optionsOf, scheduleId, settingsOf, type Plan } from './plan.ts';

export type Applied = { readonly id: string; readonly what: 'created' | 'changed' | 'unchanged'; readonly changes: readonly string[]; readonly description: ScheduleDescription };

/**
 * Makes a schedule as it is planned: a new one, or the one that is there, which stays paused if it was.
 * @throws {InvalidInput} when the server does not take its cron expression; then nothing has changed
 */
export async function applySchedule(client: ScheduleClient, plan: Plan): Promise<Applied> {
  const id = scheduleId(plan.unit, plan.netuid);
  const handle = client.getHandle(id);
  try {
    await client.create({ scheduleId: id, ...optionsOf(plan) });
    return { id, what: 'created', changes: [], description: await handle.describe() };
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw inWords(error, plan);
  }
  const before = settingsOf(await handle.describe());
  await handle.update(({ state }) => ({ ...optionsOf(plan), state })).catch((error: unknown) => { throw inWords(error, plan); });
  const description = await handle.describe();
  const changed = changes(before, settingsOf(description));
  return { id, what: changed.length > 0 ? 'changed' : 'unchanged', changes: changed, description };
}

/** The client says with a TypeError what the server finds wrong with a request. */
function inWords(error: unknown, { rhythm }: Plan): unknown {
  if (!(error instanceof TypeError && 'cron' in rhythm)) return error;
  return new InvalidInput(`Expected a cron expression of five fields such as "*/5 * * * *", got "${rhythm.cron}": ${error.message}`, { cause: error });
}
