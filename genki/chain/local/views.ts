import type { BlockRef, Commitment, Metagraph, WeightRow } from '../chain.ts';
import { nextEpochBlock } from './epoch.ts';
import type { Genesis } from './genesis.ts';
import { accountOf, type State } from './state.ts';

/** The subnet in a state. */
export const metagraphOf = (state: State, genesis: Genesis, at: BlockRef): Metagraph => ({
  netuid: genesis.netuid,
  at,
  tempo: genesis.tempo,
  epoch: state.epoch,
  epochStart: state.lastEpochBlock,
  nextEpoch: nextEpochBlock(state, genesis),
  owner: genesis.owner,
  neurons: state.neurons.map((neuron, uid) => ({
    uid,
    hotkey: neuron.hotkey,
    coldkey: neuron.coldkey,
    registeredAt: neuron.registeredAt,
    stake: String(neuron.stake),
    validatorPermit: neuron.validatorPermit,
    active: neuron.active,
    lastUpdate: neuron.lastUpdate,
    consensus: neuron.consensus,
    incentive: neuron.incentive,
    dividends: neuron.dividends,
    emission: String(neuron.emission),
  })),
});

/** Newest commitments of registered hotkeys, none older than its registration, by (block, index in block, hotkey). */
export const commitmentsOf = (state: State): Commitment[] =>
  state.neurons
    .flatMap(({ hotkey, registeredAt }) => {
      const commitment = accountOf(state, hotkey).commitment;
      return commitment && commitment.block >= registeredAt
        ? [{ hotkey, block: commitment.block, indexInBlock: commitment.index, data: commitment.data }]
        : [];
    })
    .sort((a, b) => a.block - b.block || a.indexInBlock - b.indexInBlock || (a.hotkey < b.hotkey ? -1 : 1));

/** Rows of the weight matrix that are set. */
export const weightsOf = (state: State): WeightRow[] =>
  state.neurons.flatMap(({ hotkey, weights }) =>
    weights.length === 0 ? [] : [{ hotkey, weights: weights.map(([uid, weight]) => ({ uid, weight })) }],
  );
