import type { Hotkey } from '../chain.ts';
import type { SparseRow } from '../yuma/sparse.ts';
import type { Genesis } from './genesis.ts';
import { PersistentMap } from './persistent-map.ts';

export type NeuronState = {
  readonly hotkey: Hotkey;
  readonly coldkey: string;
  readonly registeredAt: number;
  readonly stake: bigint;
  readonly validatorPermit: boolean;
  readonly active: boolean;
  readonly lastUpdate: number;
  readonly consensus: number;
  readonly incentive: number;
  readonly dividends: number;
  readonly emission: bigint;
  /** u16, max-upscaled. */
  readonly weights: SparseRow<number>;
  /** u16 */
  readonly bonds: SparseRow<number>;
};

export type Account = {
  /** The next one to use. */
  readonly nonce: number;
  readonly commitment?: { readonly block: number; readonly index: number; readonly data: string };
  /** Bytes that commitments took from the budget of `epoch`. */
  readonly space: { readonly epoch: number; readonly used: number };
};

/** The chain after one block. Never changed in place: the next state shares what the block left alone. */
export type State = {
  readonly number: number;
  /** The subnet's own counter. */
  readonly epoch: number;
  readonly lastEpochBlock: number;
  /** 0 when none is asked for. */
  readonly pendingEpochAt: number;
  /** By uid. */
  readonly neurons: readonly NeuronState[];
  readonly uids: ReadonlyMap<Hotkey, number>;
  readonly accounts: PersistentMap<Account>;
};

const FRESH: Account = { nonce: 0, space: { epoch: 0, used: 0 } };

/** The account's record; that of an account nobody has used yet is all zero. */
export const accountOf = (state: State, hotkey: Hotkey): Account => state.accounts.get(hotkey) ?? FRESH;

/** A neuron that has done nothing yet. */
export const freshNeuron = (hotkey: Hotkey, coldkey: string, block: number): NeuronState => ({
  hotkey,
  coldkey,
  registeredAt: block,
  stake: 0n,
  validatorPermit: false,
  active: true,
  lastUpdate: block,
  consensus: 0,
  incentive: 0,
  dividends: 0,
  emission: 0n,
  weights: [],
  bonds: [],
});

/** The state after block 0. */
export function genesisState(genesis: Genesis): State {
  const neurons = genesis.neurons.map(({ hotkey, coldkey, stake, validatorPermit }) => ({
    ...freshNeuron(hotkey, coldkey, 0),
    stake: BigInt(stake),
    validatorPermit,
  }));
  return {
    number: 0,
    epoch: 0,
    lastEpochBlock: 0,
    pendingEpochAt: 0,
    neurons,
    uids: new Map(neurons.map(({ hotkey }, uid) => [hotkey, uid])),
    accounts: new PersistentMap(),
  };
}
