import { join } from 'node:path';
import * as z from 'zod';
import { ChainUnavailable, ChecksumMismatch, ExtrinsicRefused, InvalidInput } from '../../errors.ts';
import type { BlockRef, Commitment, Landing, Metagraph, SignedExtrinsic, WeightRow } from '../chain.ts';
import { Block, authorRandomness } from './block.ts';
import { DispatchError, precheck } from './dispatch.ts';
import { decodeExtrinsic, isSignedFor, type DecodedExtrinsic } from './extrinsic.ts';
import { Genesis, genesisHash } from './genesis.ts';
import { openJournal, type Journal } from './journal.ts';
import { Ledger, type BlockDraft } from './ledger.ts';
import { lockFolder } from './lock.ts';
import { Pool } from './pool.ts';
import { accountOf, type State } from './state.ts';
import { commitmentsOf, metagraphOf, weightsOf } from './views.ts';

const MAX_EXTRINSICS_PER_BLOCK = 512;

const Header = z.strictObject({ genesis: Genesis });

export type NodeOptions = {
  /** Holds the journal; only one node at a time. */
  readonly dir: string;
  readonly genesis: Genesis;
  /** 32 bytes that the author draws its randomness from. */
  readonly secret: Uint8Array;
};

/** What a signer needs to know to write an extrinsic. */
export type SigningInfo = { readonly genesisHash: string; readonly specVersion: number; readonly nonce: number; readonly born: BlockRef };

/**
 * The chain of a folder, with all blocks it ever acknowledged.
 *
 * @throws {InvalidInput} when another process holds the folder or it began with another genesis
 * @throws {ChecksumMismatch} when the journal was changed
 */
export async function openNode({ dir, genesis, secret }: NodeOptions): Promise<LocalNode> {
  const release = await lockFolder(dir);
  try {
    const { journal, entries } = await openJournal(join(dir, 'journal.jsonl'));
    try {
      const ledger = restore(dir, genesis, entries);
      if (entries.length === 0) await journal.append({ genesis });
      return new LocalNode(ledger, journal, secret, release);
    } catch (error) {
      await journal.close();
      throw error;
    }
  } catch (error) {
    await release();
    throw error;
  }
}

function restore(dir: string, genesis: Genesis, [header, ...blocks]: readonly unknown[]): Ledger {
  if (header !== undefined && genesisHash(parsed(Header, header).genesis) !== genesisHash(genesis)) {
    throw new InvalidInput(`Expected the genesis that the chain in ${dir} began with`);
  }
  const ledger = new Ledger(genesis);
  for (const block of blocks) ledger.replay(parsed(Block, block));
  return ledger;
}

/** A chain with one author: takes extrinsics, makes blocks when told, answers for any block it has. */
export class LocalNode {
  readonly #ledger: Ledger;
  readonly #journal: Journal;
  readonly #secret: Uint8Array;
  readonly #release: () => Promise<void>;
  readonly #pool = new Pool();
  #producing: Promise<unknown> = Promise.resolve();

  constructor(ledger: Ledger, journal: Journal, secret: Uint8Array, release: () => Promise<void>) {
    this.#ledger = ledger;
    this.#journal = journal;
    this.#secret = secret;
    this.#release = release;
  }

  /** The newest finalized block. */
  head(): BlockRef {
    return this.#ledger.finalized;
  }

  /** @throws {ChainUnavailable} when that block is not finalized yet */
  blockHash(number: number): string {
    if (number > this.head().number) throw new ChainUnavailable(`Expected a finalized block, up to ${this.head().number}, got ${number}`);
    return this.#ledger.ref(number).hash;
  }

  /** @throws {InvalidInput | ChainUnavailable} unknown subnet or block */
  metagraph(netuid: number, at: string): Metagraph {
    const { ref, state } = this.#subnet(netuid, at);
    return metagraphOf(state, this.#ledger.genesis, ref);
  }

  commitments(netuid: number, at: string): Commitment[] {
    return commitmentsOf(this.#subnet(netuid, at).state);
  }

  weights(netuid: number, at: string): WeightRow[] {
    return weightsOf(this.#subnet(netuid, at).state);
  }

  /** The nonce counts what waits in the pool; a new extrinsic is born at the finalized head. */
  signing(signer: string): SigningInfo {
    const { genesis } = this.#ledger;
    const nonce = this.#pool.nextFree(signer, accountOf(this.#bestState(), signer).nonce);
    return { genesisHash: this.#ledger.ref(0).hash, specVersion: genesis.specVersion, nonce, born: this.head() };
  }

  /**
   * Takes an extrinsic into the pool, once however often it comes.
   *
   * @throws {ExtrinsicRefused} `BadFormat`, `BadProof`, `AncientBirthBlock`, `Stale`, `Future`, `TooLowPriority`,
   *   `ImmediatelyDropped`, or the runtime's error for a call that it would refuse anyway
   */
  submit(hex: string): void {
    const extrinsic = decoded(hex);
    if (this.#ledger.inclusionOf(extrinsic.hash) || this.#pool.has(extrinsic)) return;
    const state = this.#bestState();
    if (extrinsic.diesAt <= state.number) throw new ExtrinsicRefused('AncientBirthBlock', `Expected an extrinsic that lives after block ${state.number}, got one until ${extrinsic.diesAt}`);
    this.#pool.checkPlace(extrinsic, accountOf(state, extrinsic.signer).nonce);
    this.#checkSignature(extrinsic);
    refuse(() => precheck({ ...state, number: state.number + 1 }, this.#ledger.genesis, extrinsic.call, extrinsic.signer));
    this.#pool.add(extrinsic);
  }

  /** What became of an extrinsic, by finalized blocks only. */
  landing({ hash, signer, nonce, diesAt }: Pick<SignedExtrinsic, 'hash' | 'signer' | 'nonce' | 'diesAt'>): Landing {
    const head = this.head();
    const inclusion = this.#ledger.inclusionOf(hash);
    if (inclusion && inclusion.block <= head.number) {
      const { index, outcome } = inclusion;
      const block = this.#ledger.ref(inclusion.block);
      return outcome ? { kind: 'failed', block, ...outcome } : { kind: 'included', block, index };
    }
    if (accountOf(this.#ledger.at(head.hash).state, signer).nonce > nonce) return { kind: 'nonceTaken' };
    return head.number < diesAt ? { kind: 'pending' } : { kind: 'expired' };
  }

  /** The next block, on the disk before it is returned. Calls queue up. */
  produceBlock(): Promise<BlockRef> {
    const block = this.#producing.then(() => this.#produce());
    this.#producing = block.catch(() => undefined);
    return block;
  }

  /** Waits for the block in progress. */
  async close(): Promise<void> {
    await this.#producing;
    await this.#journal.close();
    await this.#release();
  }

  async #produce(): Promise<BlockRef> {
    const parent = this.#ledger.best;
    const draft = this.#ledger.draft();
    fill(draft, this.#pool.waiting());
    const randomness = authorRandomness(this.#secret, parent.hash);
    const block: Block = { number: parent.number + 1, parent: parent.hash, randomness, extrinsics: draft.extrinsics };
    await this.#journal.append(block);
    const ref = this.#ledger.append(block, draft);
    this.#pool.prune(ref.number, (signer) => accountOf(draft.state, signer).nonce);
    return ref;
  }

  #checkSignature(extrinsic: DecodedExtrinsic): void {
    const { genesis, best } = this.#ledger;
    const born = extrinsic.bornAt <= best.number ? this.#ledger.ref(extrinsic.bornAt) : undefined;
    const context = { genesisHash: this.#ledger.ref(0).hash, specVersion: genesis.specVersion };
    if (!born || !isSignedFor(extrinsic, { ...context, birthHash: born.hash })) {
      throw new ExtrinsicRefused('BadProof', 'Expected a signature over these bytes for this chain, runtime and birth block');
    }
  }

  #subnet(netuid: number, at: string): { ref: BlockRef; state: State } {
    const { genesis } = this.#ledger;
    if (netuid !== genesis.netuid) throw new InvalidInput(`Expected subnet ${genesis.netuid}, got ${netuid}`);
    return this.#ledger.at(at);
  }

  #bestState(): State {
    return this.#ledger.at(this.#ledger.best.hash).state;
  }
}

/** First come, first in; an extrinsic that waits for another one's nonce gets its turn in a later pass. */
function fill(draft: BlockDraft, waiting: readonly DecodedExtrinsic[]): void {
  let left = waiting;
  for (let progress = true; progress; ) {
    const before = left.length;
    left = left.filter((extrinsic) => draft.extrinsics.length >= MAX_EXTRINSICS_PER_BLOCK || !draft.include(extrinsic));
    progress = left.length < before;
  }
}

function decoded(hex: string): DecodedExtrinsic {
  try {
    return decodeExtrinsic(hex);
  } catch (error) {
    if (error instanceof InvalidInput) throw new ExtrinsicRefused('BadFormat', error.message);
    throw error;
  }
}

function refuse(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof DispatchError) throw new ExtrinsicRefused(error.code, error.message);
    throw error;
  }
}

function parsed<T>(schema: z.ZodType<T>, entry: unknown): T {
  const result = schema.safeParse(entry);
  if (!result.success) throw new ChecksumMismatch(`Expected a journal of the local chain: ${z.prettifyError(result.error)}`);
  return result.data;
}
