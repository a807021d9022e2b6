import { ChainUnavailable, ChecksumMismatch } from '../../errors.ts';
import type { BlockRef } from '../chain.ts';
import { blockHash, type Block } from './block.ts';
import { decodeExtrinsic, type DecodedExtrinsic } from './extrinsic.ts';
import { genesisHash, type Genesis } from './genesis.ts';
import { applyExtrinsic, beginBlock, type Outcome } from './runtime.ts';
import { accountOf, genesisState, type State } from './state.ts';

/** An extrinsic in its block. */
export type Inclusion = { readonly hash: string; readonly block: number; readonly index: number; readonly outcome: Outcome };

/** The block being made on top of a state; extrinsics are tried one by one. */
export class BlockDraft {
  readonly #genesis: Genesis;
  readonly inclusions: Inclusion[] = [];
  readonly extrinsics: string[] = [];
  state: State;

  constructor(parent: State, genesis: Genesis) {
    this.#genesis = genesis;
    this.state = beginBlock(parent, genesis);
  }

  /** True when the extrinsic is in, whether or not its call succeeded; false when this block cannot take it. */
  include(extrinsic: DecodedExtrinsic): boolean {
    const { number } = this.state;
    const inEra = extrinsic.bornAt < number && number <= extrinsic.diesAt;
    if (!inEra || extrinsic.nonce !== accountOf(this.state, extrinsic.signer).nonce) return false;
    const index = this.extrinsics.length;
    const { state, outcome } = applyExtrinsic(this.state, this.#genesis, extrinsic, index);
    this.state = state;
    this.inclusions.push({ hash: extrinsic.hash, block: number, index, outcome });
    this.extrinsics.push(extrinsic.hex);
    return true;
  }
}

/** Every block's hash and the state after it, from the genesis on, and where each extrinsic went. */
export class Ledger {
  readonly genesis: Genesis;
  readonly #blocks: { readonly hash: string; readonly state: State }[];
  readonly #numbers = new Map<string, number>();
  readonly #inclusions = new Map<string, Inclusion>();

  constructor(genesis: Genesis) {
    this.genesis = genesis;
    const hash = genesisHash(genesis);
    this.#blocks = [{ hash, state: genesisState(genesis) }];
    this.#numbers.set(hash, 0);
  }

  get best(): BlockRef {
    return this.ref(this.#blocks.length - 1);
  }

  get finalized(): BlockRef {
    return this.ref(Math.max(0, this.#blocks.length - 1 - this.genesis.finalityLag));
  }

  /** @throws {ChainUnavailable} when there is no such block yet */
  ref(number: number): BlockRef {
    const block = this.#blocks[number];
    if (!block) throw new ChainUnavailable(`Expected a block up to ${this.#blocks.length - 1}, got ${number}`);
    return { number, hash: block.hash };
  }

  /** The state after a block, and the block. @throws {ChainUnavailable} when no block has this hash */
  at(hash: string): { ref: BlockRef; state: State } {
    const number = this.#numbers.get(hash);
    if (number === undefined) throw new ChainUnavailable(`Expected the hash of a block of this chain, got ${hash}`);
    return { ref: { number, hash }, state: this.#blocks[number]!.state };
  }

  inclusionOf(extrinsicHash: string): Inclusion | undefined {
    return this.#inclusions.get(extrinsicHash);
  }

  draft(): BlockDraft {
    return new BlockDraft(this.at(this.best.hash).state, this.genesis);
  }

  /** Adds the block that `draft` became. */
  append(block: Block, draft: BlockDraft): BlockRef {
    const hash = blockHash(block);
    this.#blocks.push({ hash, state: draft.state });
    this.#numbers.set(hash, block.number);
    for (const inclusion of draft.inclusions) this.#inclusions.set(inclusion.hash, inclusion);
    return { number: block.number, hash };
  }

  /**
   * Executes a block that was acknowledged before; signatures were checked then.
   *
   * @throws {ChecksumMismatch} when it is not the next block of this chain
   */
  replay(block: Block): void {
    const { number, hash } = this.best;
    const draft = this.draft();
    const fits = block.number === number + 1 && block.parent === hash && block.extrinsics.every((hex) => draft.include(decodeExtrinsic(hex)));
    if (!fits) throw new ChecksumMismatch(`Expected a valid block ${number + 1} after ${hash}, got block ${block.number} after ${block.parent}`);
    this.append(block, draft);
  }
}
