import { hexToBytes } from '@noble/hashes/utils.js';
import type { Beacon, BlockRef, Commitment, Hyperparameters, Metagraph, WeightCommit, WeightRow } from '../chain.ts';
import { blake2Hash } from '../keys.ts';
import type { Genesis } from './genesis.ts';
import { epochStart, nextEpochBlock } from './schedule.ts';
import { accountOf, type State } from './state.ts';

/** The subnet in a state. */
export const metagraphOf = (state: State, genesis: Genesis, at: BlockRef): Metagraph => ({
  netuid: genesis.netuid,
  at,
  tempo: genesis.tempo,
  epoch: state.epoch,
  epochStart: epochStart(state, genesis),
  nextEpoch: nextEpochBlock(state, genesis),
  owner: genesis.owner,
  neurons: state.neurons.map((neuron, uid) => ({
    uid,
    hotkey: neuron.hotkey,
    coldkey: accountOf(state, neuron.hotkey).coldkey!,
    registeredAt: neuron.registeredAt,
    stake: String(accountOf(state, neuron.hotkey).stake),
    validatorPermit: neuron.validatorPermit,
    active: neuron.active,
    lastUpdate: neuron.lastUpdate,
    consensus: neuron.consensus,
    incentive: neuron.incentive,
    dividends: neuron.dividends,
    emission: String(neuron.emission),
    axon: neuron.axon,
  })),
});

/** Newest commitments of registered hotkeys, none older than its registration, by (block, index in block, hotkey). */
export const commitmentsOf = (state: State): Commitment[] =>
  state.neurons
    .flatMap(({ hotkey, registeredAt }) => {
      const commitment = accountOf(state, hotkey).commitment;
      return commitment && commitment.block >= registeredAt
        ? [{ hotkey, block: commitment.block, indexInBlock: commitment.index, fields: commitment.fields, data: commitment.fields.find(({ kind }) => kind === 'raw')?.data ?? '' }]
        : [];
    })
    .sort((a, b) => a.block - b.block || a.indexInBlock - b.indexInBlock || (a.hotkey < b.hotkey ? -1 : 1));

/** Rows of the weight matrix that are set. */
export const weightsOf = (state: State): WeightRow[] =>
  state.neurons.flatMap(({ hotkey, weights }) =>
    weights.length === 0 ? [] : [{ hotkey, weights: weights.map(([uid, weight]) => ({ uid, weight })) }],
  );

/** Weights of registered hotkeys that are committed and not revealed, by (block, hotkey); an expired hash stays until its hotkey's next commit. */
export function weightCommitsOf(state: State): WeightCommit[] {
  const hashes = state.neurons.flatMap(({ hotkey }) => accountOf(state, hotkey).hashCommits.map((commit) => ({ hotkey, kind: 'hash' as const, ...commit })));
  const timelocked = state.timelocked
    .filter(({ hotkey }) => state.uids.has(hotkey))
    .map(({ hotkey, commit, block, epoch }) => ({ hotkey, kind: 'timelocked' as const, hash: blake2Hash(hexToBytes(commit)), block, epoch }));
  return [...hashes, ...timelocked].sort((a, b) => a.block - b.block || (a.hotkey === b.hotkey ? 0 : a.hotkey < b.hotkey ? -1 : 1));
}

/** The subnet's rules in a state. */
export const hyperparametersOf = (state: State, genesis: Genesis, at: BlockRef): Hyperparameters => ({
  netuid: genesis.netuid,
  at,
  tempo: genesis.tempo,
  immunityPeriod: genesis.immunityPeriod,
  minAllowedWeights: genesis.minAllowedWeights,
  maxNeurons: genesis.maxNeurons,
  maxValidators: genesis.maxValidators,
  weightsRateLimit: genesis.weightsRateLimit,
  versionKey: genesis.versionKey,
  activityCutoff: genesis.activityCutoff,
  burn: String(state.burn),
  commitReveal: genesis.commitReveal,
});

/** Free balance of an account, in rao, decimal. */
export const balanceOf = (state: State, account: string): string => String(accountOf(state, account).balance);

/** The chain's beacon and its newest round; undefined where there is none. */
export const beaconOf = (state: State, genesis: Genesis): Beacon | undefined =>
  genesis.beacon ? { publicKey: genesis.beacon.publicKey, round: state.pulses.at(-1)?.round ?? 0 } : undefined;
