import type { Genesis } from './genesis.ts';
import type { State } from './state.ts';

/**
 * When epochs run, by either of the runtime's two schedules.
 *
 * Stateful (from 424 on): a tempo after the last one or when the owner's trigger is due; the index is a counter. That an
 * epoch also runs 50,400 blocks after the last one needs no rule here: no tempo is longer.
 * Stateless (up to 393): in blocks where (block + netuid + 1) mod (tempo + 1) = tempo; the index is that sum divided
 * by tempo + 1, so that it changes in the block after the epoch.
 */
type Scheduled = Pick<State, 'number' | 'epoch' | 'lastEpochBlock' | 'pendingEpochAt'>;

/** The next block in which an epoch runs, if the state stays as it is. */
export function nextEpochBlock(state: Scheduled, genesis: Genesis): number {
  if (genesis.schedule === 'stateless') {
    const next = state.number + 1;
    const period = genesis.tempo + 1;
    return next + (period - 1 - ((next + genesis.netuid + 1) % period));
  }
  const scheduled = state.lastEpochBlock + genesis.tempo;
  return state.pendingEpochAt > 0 ? Math.min(scheduled, state.pendingEpochAt) : scheduled;
}

/** True when an epoch has to run in block `state.number`, which it has not yet. */
export const isEpochDue = (state: Scheduled, genesis: Genesis): boolean => state.number >= nextEpochBlock({ ...state, number: state.number - 1 }, genesis);

/** The epoch that block `state.number` belongs to, also before the one that is due in it has run. */
export const epochIndex = (state: Scheduled, genesis: Genesis): number =>
  genesis.schedule === 'stateless' ? Math.floor((state.number + genesis.netuid + 1) / (genesis.tempo + 1)) : state.epoch + (isEpochDue(state, genesis) ? 1 : 0);

/** The first block of the epoch that the state is in. */
export const epochStart = (state: Scheduled, genesis: Genesis): number =>
  genesis.schedule === 'stateless' ? Math.max(0, state.epoch * (genesis.tempo + 1) - (genesis.netuid + 1)) : state.lastEpochBlock;
