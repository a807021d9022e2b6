import { startChild } from '@temporalio/workflow';
import type { TickInput } from '../activities/clock.ts';
import { beginDue, type TickOutcome } from './begin-due.ts';
import type { closeWindow } from './close-window.ts';
import { quick } from './steps.ts';
import type { trainingWindow } from './training-window.ts';

/**
 * What a schedule starts every few minutes: a training window, for each miner that has none in the chain's current window; and
 * where updates of windows are exchanged, its close, for each validator.
 */
export async function windowTick(input: TickInput = {}): Promise<TickOutcome> {
  const due = await quick.dueWindows.executeWithOptions({ summary: 'the window at the finalized head' }, [input]);
  return await beginDue(due, ({ hotkey, role }, options) => {
    const args: [{ hotkey: string; window: number }] = [{ hotkey, window: due.number }];
    return role === 'validator' ? startChild<typeof closeWindow>('closeWindow', { ...options, args }) : startChild<typeof trainingWindow>('trainingWindow', { ...options, args });
  });
}
