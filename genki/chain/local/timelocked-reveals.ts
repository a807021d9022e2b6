import { hexToBytes } from '@noble/hashes/utils.js';
import { openTimelock } from '../timelock.ts';
import { decodeWeights } from '../weights-commit.ts';
import { revealEpoch } from './calls/commit-reveal.ts';
import { storeWeights } from './calls/set-weights.ts';
import { DispatchError } from './dispatch-error.ts';
import type { Genesis } from './genesis.ts';
import { epochIndex } from './schedule.ts';
import type { State, TimelockedCommit } from './state.ts';

/** Rounds kept although nothing waits for them: an extrinsic that names one may be as old as its era. */
const RECENT_ROUNDS = 64;

/** The state with the beacon's signature of a round. */
export function publishPulse(state: State, round: number, signature: string): State {
  const wanted = new Set(state.timelocked.map((commit) => commit.round));
  const kept = state.pulses.filter((pulse) => pulse.round > round - RECENT_ROUNDS || wanted.has(pulse.round));
  return { ...state, pulses: [...kept, { round, signature }] };
}

/**
 * The state with the weights of all commits whose epoch has come, in the order they were made. One whose pulse is missing
 * stays until the epoch is over; one that cannot be opened, is not its hotkey's, or that the runtime refuses is dropped.
 */
export function revealTimelocked(state: State, genesis: Genesis): State {
  if (state.timelocked.length === 0) return state;
  const epoch = epochIndex(state, genesis);
  const pulses = new Map(state.pulses.map(({ round, signature }) => [round, signature]));
  const ready = state.timelocked.filter((commit) => revealEpoch(commit, genesis) === epoch && pulses.has(commit.round));
  const opened = new Set(ready);
  const timelocked = state.timelocked.filter((commit) => revealEpoch(commit, genesis) >= epoch && !opened.has(commit));
  return ready.reduce<State>((revealed, commit) => reveal(revealed, genesis, commit, pulses.get(commit.round)!), { ...state, timelocked });
}

function reveal(state: State, genesis: Genesis, { hotkey, commit }: TimelockedCommit, pulse: string): State {
  const payload = openTimelock(hexToBytes(commit), pulse);
  const row = payload && decodeWeights(payload, hotkey);
  if (!row) return state;
  try {
    return storeWeights(state, genesis, { netuid: genesis.netuid, ...row }, hotkey);
  } catch (error) {
    if (error instanceof DispatchError) return state;
    throw error;
  }
}
