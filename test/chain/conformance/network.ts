import type { Chain, Hotkey, Signer } from '../../../genki/chain/chain.ts';

/** What a group of the suite needs of a subnet; everything else is as the network likes. */
export type Rules = {
  readonly tempo: number;
  /** Blocks. */
  readonly weightsRateLimit: number;
  readonly versionKey: number;
  readonly minAllowedWeights: number;
  /** Weights are hidden for one epoch. */
  readonly commitReveal: boolean;
  /** Timelocked weights can be opened. */
  readonly beacon: boolean;
  /** No uid is free, and nobody is immune. */
  readonly full: boolean;
};

/** Hotkeys by what they are; each is somebody else's. */
export type Roles = {
  /** The account that owns the subnet; not registered. */
  readonly owner: Signer;
  /** At least two, registered, with stake enough and permits from the start. */
  readonly validators: readonly [Signer, Signer, ...Signer[]];
  /** Registered, with stake enough for weights, but without a permit before the first epoch. */
  readonly unpermitted: Signer;
  /** At least two, registered, without stake. */
  readonly miners: readonly [Signer, Signer, ...Signer[]];
  /** A coldkey with a balance that pays for some registrations; not registered. */
  readonly stranger: Signer;
  /** At least two that the chain has never seen. */
  readonly newcomers: readonly [Signer, Signer, ...Signer[]];
};

/** A running chain with one subnet, and what a test can do to it from outside. */
export type ConformanceNetwork = {
  readonly chain: Chain;
  readonly netuid: number;
  readonly roles: Roles;
  /** Waits until the chain has so many more blocks. */
  waitBlocks(count: number): Promise<void>;
  /** The beacon's round that is published so many blocks from now; undefined where there is no beacon. */
  roundIn?(blocks: number): Promise<number>;
  /** Drops the newest blocks, where that can be arranged. */
  reorganise?(depth: number): Promise<void>;
  /** Of a past block that is not final any more or yet, for a reader that must be refused. */
  bestHash?(): Promise<string>;
  stop(): Promise<void>;
};

export type CreateNetwork = (rules: Rules) => Promise<ConformanceNetwork>;

export const RULES: Rules = { tempo: 20, weightsRateLimit: 2, versionKey: 0, minAllowedWeights: 1, commitReveal: false, beacon: false, full: false };

export const hotkeysOf = (signers: readonly Signer[]): Hotkey[] => signers.map(({ hotkey }) => hotkey);
