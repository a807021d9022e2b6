import { runEpoch, type EpochInput } from '../yuma/yuma.ts';
import { isExpired } from './calls/commit-reveal.ts';
import type { Genesis } from './genesis.ts';
import { epochIndex, nextEpochBlock } from './schedule.ts';
import { accountOf, type State } from './state.ts';

/** The state after the epoch of block `state.number`. */
export function stepEpoch(before: State, genesis: Genesis): State {
  const output = runEpoch(epochInput(before, genesis));
  return {
    ...begun(before, genesis),
    neurons: before.neurons.map((neuron, uid) => ({
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

/** What the epoch of block `before.number`, which has not run yet, is computed from. */
export function epochInput(before: State, genesis: Genesis): EpochInput {
  const { neurons, number: block, lastEpochBlock } = before;
  return {
    yuma3: genesis.yuma3,
    bondsPenalty: genesis.bondsPenalty,
    bondsMovingAverage: genesis.bondsMovingAverage,
    liquidAlpha: genesis.liquidAlpha,
    alphaLow: genesis.alphaLow,
    alphaHigh: genesis.alphaHigh,
    alphaSigmoidSteepness: genesis.alphaSigmoidSteepness,
    kappa: genesis.kappa,
    activityCutoff: genesis.activityCutoff,
    block,
    // the older runtimes say block - tempo, which is the same where the schedule is stateless
    lastTempo: lastEpochBlock > 0 ? lastEpochBlock + 1 : block - genesis.tempo,
    stakeThreshold: BigInt(genesis.minStake),
    maxAllowedValidators: genesis.maxValidators,
    emission: BigInt(genesis.emissionPerEpoch),
    ownerUid: before.uids.get(genesis.owner) ?? null,
    ownerExempt: true,
    stake: neurons.map(({ hotkey }) => accountOf(before, hotkey).stake),
    lastUpdate: neurons.map((neuron) => neuron.lastUpdate),
    blockAtRegistration: neurons.map((neuron) => neuron.registeredAt),
    hiddenSince: genesis.commitReveal.enabled ? earliestCommits(begun(before, genesis), genesis) : neurons.map(() => null),
    validatorPermit: neurons.map((neuron) => neuron.validatorPermit),
    weights: neurons.map((neuron) => neuron.weights),
    bonds: neurons.map((neuron) => neuron.bonds),
  };
}

/** What the next epoch is computed from if the state stays as it is. */
export function nextEpochInput(state: State, genesis: Genesis): EpochInput {
  const next = { ...state, number: nextEpochBlock(state, genesis) };
  return epochInput(genesis.schedule === 'stateless' ? { ...next, epoch: epochIndex(next, genesis) } : next, genesis);
}

/** The runtime advances the schedule before it computes. */
const begun = (before: State, { schedule }: Genesis): State =>
  schedule === 'stateful' ? { ...before, epoch: before.epoch + 1, lastEpochBlock: before.number, pendingEpochAt: 0 } : { ...before, lastEpochBlock: before.number };

/** Block of each uid's oldest commit that can still be revealed. */
function earliestCommits(state: State, genesis: Genesis): (number | null)[] {
  const earliest = state.neurons.map(({ hotkey }) => accountOf(state, hotkey).hashCommits.find((commit) => !isExpired(commit, state, genesis))?.block ?? null);
  for (const commit of state.timelocked) {
    const uid = state.uids.get(commit.hotkey);
    if (uid !== undefined && !isExpired(commit, state, genesis)) earliest[uid] = Math.min(earliest[uid] ?? commit.block, commit.block);
  }
  return earliest;
}
