import { runEpoch } from '../yuma/yuma.ts';
import type { Genesis } from './genesis.ts';
import type { State } from './state.ts';

/** The next block in which an epoch runs, if the state stays as it is. */
export function nextEpochBlock(state: State, genesis: Genesis): number {
  const scheduled = state.lastEpochBlock + genesis.tempo;
  return state.pendingEpochAt > 0 ? Math.min(scheduled, state.pendingEpochAt) : scheduled;
}

/** The state after the epoch of block `state.number`. */
export function stepEpoch(state: State, genesis: Genesis): State {
  const { neurons, number: block } = state;
  const ownerUid = state.uids.get(genesis.owner) ?? null;
  const output = runEpoch({
    ...genesis,
    block,
    lastTempo: state.lastEpochBlock > 0 ? state.lastEpochBlock + 1 : block - genesis.tempo,
    stakeThreshold: BigInt(genesis.minStake),
    maxAllowedValidators: genesis.maxValidators,
    emission: BigInt(genesis.emissionPerEpoch),
    ownerUid,
    ownerExempt: true,
    stake: neurons.map((neuron) => neuron.stake),
    lastUpdate: neurons.map((neuron) => neuron.lastUpdate),
    blockAtRegistration: neurons.map((neuron) => neuron.registeredAt),
    validatorPermit: neurons.map((neuron) => neuron.validatorPermit),
    weights: neurons.map((neuron) => neuron.weights),
    bonds: neurons.map((neuron) => neuron.bonds),
  });
  return {
    ...state,
    epoch: state.epoch + 1,
    lastEpochBlock: block,
    pendingEpochAt: 0,
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
