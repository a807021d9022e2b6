import type { SparseRow } from '../yuma/sparse.ts';
import { runEpoch } from '../yuma/yuma.ts';
import { isExpired } from './calls/commit-reveal.ts';
import type { Genesis } from './genesis.ts';
import { accountOf, type State } from './state.ts';

/** The state after the epoch of block `state.number`. */
export function stepEpoch(before: State, genesis: Genesis): State {
  const { neurons, number: block, lastEpochBlock } = before;
  // the runtime advances the schedule before it computes
  const state = genesis.schedule === 'stateful' ? { ...before, epoch: before.epoch + 1, lastEpochBlock: block, pendingEpochAt: 0 } : { ...before, lastEpochBlock: block };
  const output = runEpoch({
    ...genesis,
    block,
    // the older runtimes say block - tempo, which is the same where the schedule is stateless
    lastTempo: lastEpochBlock > 0 ? lastEpochBlock + 1 : block - genesis.tempo,
    stakeThreshold: BigInt(genesis.minStake),
    maxAllowedValidators: genesis.maxValidators,
    emission: BigInt(genesis.emissionPerEpoch),
    ownerUid: state.uids.get(genesis.owner) ?? null,
    ownerExempt: true,
    stake: neurons.map(({ hotkey }) => accountOf(state, hotkey).stake),
    lastUpdate: neurons.map((neuron) => neuron.lastUpdate),
    blockAtRegistration: neurons.map((neuron) => neuron.registeredAt),
    validatorPermit: neurons.map((neuron) => neuron.validatorPermit),
    weights: countedWeights(state, genesis),
    bonds: neurons.map((neuron) => neuron.bonds),
  });
  return {
    ...state,
    neurons: neurons.map((neuron, uid) => ({
      ...neuron,
      validatorPermit: output.validatorPermit[uid]!,
      active: output.active[uid]!,
      consensus: output.consensus[uid]!,
      incentive: output.incentive[uid]!,
      dividends: output.dividends[uid]!,
      emission: output.emission[uid]!,
      bonds: output.bonds[uid]!,
    })),
  };
}

/** Under commit-reveal a row says nothing of neurons that are newer than the oldest weights its hotkey has still hidden. */
function countedWeights(state: State, genesis: Genesis): SparseRow<number>[] {
  const rows = state.neurons.map(({ weights }) => weights);
  if (!genesis.commitReveal.enabled) return rows;
  const hiddenSince = earliestCommits(state, genesis);
  return rows.map((row, uid) => row.filter(([j]) => (hiddenSince[uid] ?? Number.POSITIVE_INFINITY) >= state.neurons[j]!.registeredAt));
}

/** Block of each uid's oldest commit that can still be revealed. */
function earliestCommits(state: State, genesis: Genesis): (number | undefined)[] {
  const earliest = state.neurons.map(({ hotkey }) => accountOf(state, hotkey).hashCommits.find((commit) => !isExpired(commit, state, genesis))?.block);
  for (const commit of state.timelocked) {
    const uid = state.uids.get(commit.hotkey);
    if (uid !== undefined && !isExpired(commit, state, genesis)) earliest[uid] = Math.min(earliest[uid] ?? commit.block, commit.block);
  }
  return earliest;
}
