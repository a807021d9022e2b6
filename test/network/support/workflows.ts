/** The bundle of the network tests: the real workflows, and some that stand for whoever deals with them. */
import { condition, defineQuery, defineSignal, setHandler } from '@temporalio/workflow';
import type { Effect } from '../../../activities/wallet.ts';
import { leaseGranted } from '../../../workflows/adapter-lease.ts';
import type { SubmissionOutcome } from '../../../activities/submit.ts';
import { quick } from '../../../workflows/steps.ts';
import { submitterOf } from '../../../workflows/submit-once.ts';
import { holdLease } from '../../../workflows/hold-lease.ts';
import { relayWindow, type RelayOutcome } from '../../../workflows/relay-window.ts';
import type { RelayWindow } from '../../../activities/relay-window.ts';

export { adapterLease, chainSubmitter, closeWindow, epochTick, evaluateSubmission, pretrainBase, pretrainTick, promoteAdapter, relayAdapter, rollBackBase, trainingWindow, validationRound, windowTick } from '../../../workflows/index.ts';

export const heard = defineQuery<readonly string[]>('heard');
export const leave = defineSignal('leave');

/** Holds leases or waits for them, until told to leave; knows which adapters it was told of. */
export async function trainer(): Promise<void> {
  const adapters: string[] = [];
  let left = false;
  setHandler(leaseGranted, ({ adapterId }) => void adapters.push(adapterId));
  setHandler(heard, () => adapters);
  setHandler(leave, () => { left = true; });
  await condition(() => left);
}

/** Waits for its turn as a window does, and passes the lease on at once; its fence. */
export async function contender({ adapterId }: { adapterId: string }): Promise<number> {
  const { holder, fence } = await holdLease(adapterId);
  await quick.releaseLease({ adapterId, holder, fence });
  return fence;
}

/** Wants one effect on the chain, as windows and rounds do. */
export async function asker({ hotkey, key, effect }: { hotkey: string; key: string; effect: Effect }): Promise<SubmissionOutcome> {
  return await submitterOf(hotkey)({ key, effect });
}

export const phases = defineQuery<readonly string[]>('phases');

/** A miner's turn with an adapter that is passed on, as its window has it; what it went through. */
export async function relayTurn(window: RelayWindow): Promise<RelayOutcome> {
  const entered: string[] = [];
  setHandler(phases, () => entered);
  return await relayWindow(window, (phase) => void entered.push(phase));
}
