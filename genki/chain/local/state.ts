import type { Axon, CommitmentField, Hotkey } from '../chain.ts';
import type { SparseRow } from '../yuma/sparse.ts';
import type { Genesis } from './genesis.ts';
import { PersistentMap } from './persistent-map.ts';

/** The holder of a uid. */
export type NeuronState = {
  readonly hotkey: Hotkey;
  readonly registeredAt: number;
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
  readonly axon: Axon | null;
};

/** A hash that its hotkey will reveal the weights of. */
export type HashCommit = { readonly hash: string; readonly epoch: number; readonly block: number };

/** Weights that the beacon's pulse of `round` opens; `commit` is hex. */
export type TimelockedCommit = { readonly hotkey: Hotkey; readonly epoch: number; readonly block: number; readonly round: number; readonly commit: string };

/** The beacon's signature of a round, hex. */
export type Pulse = { readonly round: number; readonly signature: string };

/** What belongs to a key, hot or cold; it outlives a registration. */
export type Account = {
  /** The next one to use. */
  readonly nonce: number;
  /** Free, in rao. */
  readonly balance: bigint;
  /** On this hotkey, in rao. */
  readonly stake: bigint;
  /** Of this hotkey, for good; null for one that was never registered. */
  readonly coldkey: string | null;
  readonly commitment: { readonly block: number; readonly index: number; readonly fields: readonly CommitmentField[] } | null;
  /** Bytes that commitments took from the budget of `epoch`. */
  readonly space: { readonly epoch: number; readonly used: number };
  /** Oldest first; expired ones go when the next commit or reveal comes. */
  readonly hashCommits: readonly HashCommit[];
};

/** The chain after one block. Never changed in place: the next state shares what the block left alone. */
export type State = {
  readonly number: number;
  /** The subnet's own counter. */
  readonly epoch: number;
  readonly lastEpochBlock: number;
  /** 0 when none is asked for. */
  readonly pendingEpochAt: number;
  /** What a registration costs now, in rao. */
  readonly burn: bigint;
  /** Taken out of balances by registrations and fees so far, in rao. */
  readonly recycled: bigint;
  /** By uid. */
  readonly neurons: readonly NeuronState[];
  readonly uids: ReadonlyMap<Hotkey, number>;
  readonly accounts: PersistentMap<Account>;
  /** In the order of inclusion. */
  readonly timelocked: readonly TimelockedCommit[];
  /** Those that a commit may still need, by round. */
  readonly pulses: readonly Pulse[];
};

const FRESH: Account = { nonce: 0, balance: 0n, stake: 0n, coldkey: null, commitment: null, space: { epoch: 0, used: 0 }, hashCommits: [] };

/** The account's record; that of an account nobody has used yet is all zero. */
export const accountOf = (state: State, account: string): Account => state.accounts.get(account) ?? FRESH;

/** The state with some of an account's fields replaced. */
export const withAccount = (state: State, account: string, change: Partial<Account>): State => ({
  ...state,
  accounts: state.accounts.set(account, { ...accountOf(state, account), ...change }),
});

/** A neuron that has done nothing yet. */
export const freshNeuron = (hotkey: Hotkey, block: number): NeuronState => ({
  hotkey,
  registeredAt: block,
  validatorPermit: false,
  active: true,
  lastUpdate: block,
  consensus: 0,
  incentive: 0,
  dividends: 0,
  emission: 0n,
  weights: [],
  bonds: [],
  axon: null,
});

/** The state after block 0. */
export function genesisState(genesis: Genesis): State {
  const accounts = new Map<string, Account>();
  const change = (account: string, fields: Partial<Account>): unknown => accounts.set(account, { ...(accounts.get(account) ?? FRESH), ...fields });
  for (const { hotkey, coldkey, stake } of genesis.neurons) change(hotkey, { coldkey, stake: BigInt(stake) });
  for (const { account, balance } of genesis.balances) change(account, { balance: BigInt(balance) });
  return {
    number: 0,
    epoch: 0,
    lastEpochBlock: 0,
    pendingEpochAt: 0,
    burn: BigInt(genesis.burn.price),
    recycled: 0n,
    neurons: genesis.neurons.map(({ hotkey, validatorPermit }) => ({ ...freshNeuron(hotkey, 0), validatorPermit })),
    uids: new Map(genesis.neurons.map(({ hotkey }, uid) => [hotkey, uid])),
    accounts: PersistentMap.from(accounts),
    timelocked: [],
    pulses: [],
  };
}
