import type { EpochInput } from './yuma/yuma.ts';

/** The narrow interface to a Bittensor-style chain. Two implementations keep it: `local/` and, later, `subtensor/`. */

/** SS58 address of an account, prefix 42. */
export type Hotkey = string;

export type BlockRef = { readonly number: number; /** 0x + 64 hex */ readonly hash: string };

/** Where a hotkey can be reached, as it says itself: nobody has checked it. */
export type Axon = {
  /** IPv4 or IPv6, canonical text. */
  readonly ip: string;
  readonly port: number;
  /** u8, the subnet's own business. */
  readonly protocol: number;
  /** Of its software, u32. */
  readonly version: number;
  /** In which it said so. */
  readonly block: number;
};

export type Neuron = {
  readonly uid: number;
  readonly hotkey: Hotkey;
  readonly coldkey: string;
  readonly registeredAt: number;
  /** In rao; a decimal string, since it may exceed 2^53. */
  readonly stake: string;
  readonly validatorPermit: boolean;
  readonly active: boolean;
  readonly lastUpdate: number;
  /** Shares of the last epoch, u16. */
  readonly consensus: number;
  readonly incentive: number;
  readonly dividends: number;
  /** Of the last epoch, in rao, decimal. */
  readonly emission: string;
  /** null for one that has not said where it is */
  readonly axon: Axon | null;
};

/** A subnet at one block. */
export type Metagraph = {
  readonly netuid: number;
  readonly at: BlockRef;
  readonly tempo: number;
  /** The chain's own epoch counter. */
  readonly epoch: number;
  readonly epochStart: number;
  readonly nextEpoch: number;
  readonly owner: Hotkey;
  readonly neurons: readonly Neuron[];
};

/** What a commitment may hold, up to three of them; `data` is hex without 0x. */
export type CommitmentField =
  /** At most 128 bytes. */
  | { readonly kind: 'raw'; readonly data: string }
  /** At most 512 bytes. */
  | { readonly kind: 'bigRaw'; readonly data: string }
  /** 32 bytes. */
  | { readonly kind: 'blake2b256' | 'sha256' | 'keccak256' | 'sha3-256'; readonly data: string };

/** One hotkey's newest commitment at a block. */
export type Commitment = {
  readonly hotkey: Hotkey;
  readonly block: number;
  readonly indexInBlock: number;
  readonly fields: readonly CommitmentField[];
  /** The first raw field, hex without 0x; empty when there is none. */
  readonly data: string;
};

/** Weights that a hotkey has committed to and not yet revealed. */
export type WeightCommit = {
  readonly hotkey: Hotkey;
  readonly kind: 'hash' | 'timelocked';
  /** 0x + 64 hex: the commit itself, or the blake2b-256 of a timelocked one's bytes. */
  readonly hash: string;
  readonly block: number;
  /** The subnet's epoch that it was made in. */
  readonly epoch: number;
};

/** The rules of a subnet at one block. Amounts in rao, decimal. */
export type Hyperparameters = {
  readonly netuid: number;
  readonly at: BlockRef;
  readonly tempo: number;
  /** Blocks for which a newcomer is not replaced. */
  readonly immunityPeriod: number;
  readonly minAllowedWeights: number;
  readonly maxNeurons: number;
  readonly maxValidators: number;
  readonly weightsRateLimit: number;
  readonly versionKey: number;
  /** Blocks without an update after which a validator stops counting. */
  readonly activityCutoff: number;
  /** What a registration costs now. */
  readonly burn: string;
  readonly commitReveal: { readonly enabled: boolean; /** from commit to reveal */ readonly periodEpochs: number; readonly version: number };
};

/** The randomness beacon that timelocked weights are encrypted to. */
export type Beacon = { /** G2, 96 bytes compressed, hex */ readonly publicKey: string; /** newest one published */ readonly round: number };

/** Row of the weight matrix, as the chain keeps it: max-upscaled u16. */
export type WeightRow = { readonly hotkey: Hotkey; readonly weights: readonly { readonly uid: number; readonly weight: number }[] };

export type Call =
  | { readonly kind: 'setCommitment'; readonly netuid: number; /** one to three */ readonly fields: readonly CommitmentField[] }
  | { readonly kind: 'setWeights'; readonly netuid: number; readonly uids: readonly number[]; readonly weights: readonly number[]; readonly versionKey: number }
  /** `setWeights` for one of a subnet's mechanisms; the first is 0. */
  | { readonly kind: 'setMechanismWeights'; readonly netuid: number; readonly mecid: number; readonly uids: readonly number[]; readonly weights: readonly number[]; readonly versionKey: number }
  /** Under commit-reveal; `hash` as `weightsCommitHash` makes it, 0x + 64 hex. */
  | { readonly kind: 'commitWeights'; readonly netuid: number; readonly hash: string }
  | { readonly kind: 'revealWeights'; readonly netuid: number; readonly uids: readonly number[]; readonly weights: readonly number[]; /** u16 each */ readonly salt: readonly number[]; readonly versionKey: number }
  /** `commit` is hex, encrypted to the beacon's round. */
  | { readonly kind: 'commitTimelockedWeights'; readonly netuid: number; readonly commit: string; readonly revealRound: number; readonly version: number }
  /** Signed by the coldkey, which pays; at most `limitPrice` rao, where one is given. */
  | { readonly kind: 'register'; readonly netuid: number; readonly hotkey: Hotkey; readonly limitPrice: string | null }
  | { readonly kind: 'triggerEpoch'; readonly netuid: number }
  /** Says where the hotkey can be reached; `ip` is IPv4 or IPv6 in text. */
  | { readonly kind: 'serveAxon'; readonly netuid: number; readonly ip: string; readonly port: number; readonly protocol: number; readonly version: number };

/** Signed once; its bytes can enter the chain at most once, and not after `diesAt`. */
export type SignedExtrinsic = {
  readonly hex: string;
  readonly hash: string;
  readonly signer: Hotkey;
  readonly nonce: number;
  readonly bornAt: number;
  readonly diesAt: number;
};

/** What became of an extrinsic, by finalized blocks only. */
export type Landing =
  | { readonly kind: 'included'; readonly block: BlockRef; readonly index: number }
  /** In a block, but the runtime refused the call: `code` is its error's name. */
  | { readonly kind: 'failed'; readonly block: BlockRef; readonly code: string; readonly message: string }
  | { readonly kind: 'pending' }
  /** The era is over and the nonce unused: it can never land. */
  | { readonly kind: 'expired' }
  /** Something else used the nonce. */
  | { readonly kind: 'nonceTaken' }
  /** In a block whose outcome no node keeps any more: whether the call succeeded, the state has to tell. */
  | { readonly kind: 'forgotten'; readonly block: BlockRef };

export interface Signer {
  readonly hotkey: Hotkey;
  /** sr25519 over the bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** Where a node stands. */
export type EndpointHealth = { readonly url: string; readonly inUse: boolean; /** why it was left or refused */ readonly problem: string | undefined };

export interface Chain {
  /** The newest finalized block. */
  head(): Promise<BlockRef>;
  /** Waits until the newest finalized block is a later one than that; rejects with the signal's reason. */
  headAfter(number: number, signal: AbortSignal): Promise<BlockRef>;
  /** @throws {ChainUnavailable} when that block is not finalized yet */
  blockHash(number: number): Promise<string>;
  metagraph(netuid: number, at: string): Promise<Metagraph>;
  /** Newest commitments of all registered hotkeys, in the order (block, index in block, hotkey). */
  commitments(netuid: number, at: string): Promise<Commitment[]>;
  weights(netuid: number, at: string): Promise<WeightRow[]>;
  weightCommits(netuid: number, at: string): Promise<WeightCommit[]>;
  hyperparameters(netuid: number, at: string): Promise<Hyperparameters>;
  /**
   * What the next epoch is computed from if nothing changes until then, of each mechanism: right before that epoch,
   * `runMechanisms` of it is what the chain then stores, but for weights that the epoch's own block reveals.
   */
  epochInput(netuid: number, at: string): Promise<readonly EpochInput[]>;
  /** Of any account, in rao, decimal. */
  balance(account: string, at: string): Promise<string>;
  /** undefined where the chain has none */
  beacon(at: string): Promise<Beacon | undefined>;
  /** Reads nonce and head, signs, sends nothing. */
  prepare(call: Call, signer: Signer): Promise<SignedExtrinsic>;
  /** Sends the same bytes as often as asked; a duplicate is no error. @throws {ExtrinsicRefused} by the pool */
  broadcast(extrinsic: SignedExtrinsic): Promise<void>;
  landing(extrinsic: SignedExtrinsic): Promise<Landing>;
  /** Of each node, where the chain has several. */
  health?(): readonly EndpointHealth[];
  close(): Promise<void>;
}
