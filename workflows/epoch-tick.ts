import { startChild } from '@temporalio/workflow';
import type { TickInput } from '../activities/clock.ts';
import { beginDue, type TickOutcome } from './begin-due.ts';
import { quick } from './steps.ts';
import type { validationRound } from './validation-round.ts';

/** What a schedule starts every few minutes: a round of the chain's current epoch, for each validator that has none yet. */
export async function epochTick(input: TickInput = {}): Promise<TickOutcome> {
  const due = await quick.dueRounds.executeWithOptions({ summary: 'the epoch at the finalized head' }, [input]);
  return await beginDue(due, ({ hotkey }, options) => startChild<typeof validationRound>('validationRound', { ...options, args: [{ hotkey, epoch: due.number }] }));
}
