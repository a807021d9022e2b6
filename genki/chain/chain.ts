/** The narrow interface to a Bittensor-style chain. Two implementations keep it: `local/` and, later, `subtensor/`. */

/** SS58 address of an account, prefix 42. */
export type Hotkey = string;

export type BlockRef = { readonly number: number; /** 0x + 64 hex */ readonly hash: string };

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

/** One hotkey's newest commitment at a block. */
export type Commitment = {
  readonly hotkey: Hotkey;
  readonly block: number;
  readonly indexInBlock: number;
  /** The raw field, hex without 0x. */
  readonly data: string;
};

/** Row of the weight matrix, as the chain keeps it: max-upscaled u16. */
export type WeightRow = { readonly hotkey: Hotkey; readonly weights: readonly { readonly uid: number; readonly weight: number }[] };

export type Call =
  | { readonly kind: 'setCommitment'; readonly netuid: number; /** hex */ readonly data: string }
  | { readonly kind: 'setWeights'; readonly netuid: number; readonly uids: readonly number[]; readonly weights: readonly number[]; readonly versionKey: number }
  | { readonly kind: 'register'; readonly netuid: number }
  | { readonly kind: 'triggerEpoch'; readonly netuid: number };

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
  | { readonly kind: 'nonceTaken' };

export interface Signer {
  readonly hotkey: Hotkey;
  /** sr25519 over the bytes. */
  sign(message: Uint8Array): Uint8Array;
}

export interface Chain {
  /** The newest finalized block. */
  head(): Promise<BlockRef>;
  /** @throws {ChainUnavailable} when that block is not finalized yet */
  blockHash(number: number): Promise<string>;
  metagraph(netuid: number, at: string): Promise<Metagraph>;
  /** Newest commitments of all registered hotkeys, in the order (block, index in block, hotkey). */
  commitments(netuid: number, at: string): Promise<Commitment[]>;
  weights(netuid: number, at: string): Promise<WeightRow[]>;
  /** Reads nonce and head, signs, sends nothing. */
  prepare(call: Call, signer: Signer): Promise<SignedExtrinsic>;
  /** Sends the same bytes as often as asked; a duplicate is no error. @throws {ExtrinsicRefused} by the pool */
  broadcast(extrinsic: SignedExtrinsic): Promise<void>;
  landing(extrinsic: SignedExtrinsic): Promise<Landing>;
  close(): Promise<void>;
}
