import { blake2b } from '@noble/hashes/blake2.js';
import { join } from 'node:path';
import { ChainUnavailable, ExtrinsicRefused, InvalidInput } from '../../errors.ts';
import type { Beacon, BlockRef, Commitment, Hyperparameters, Landing, Metagraph, SignedExtrinsic, WeightCommit, WeightRow } from '../chain.ts';
import type { EpochInput } from '../yuma/yuma.ts';
import { authorBeacon, authorPulse, authorRandomness, blockHash, type Block } from './block.ts';
import { BlockDraft } from './block-draft.ts';
import type { BlockRecord, Branch } from './branch.ts';
import { ByteWriter } from './byte-codec.ts';
import { precheck } from './dispatch.ts';
import { DispatchError } from './dispatch-error.ts';
import { headerOf, restoreBranch } from './entries.ts';
import { nextEpochInput } from './epoch.ts';
import { decodeExtrinsic, isSignedFor, type DecodedExtrinsic } from './extrinsic.ts';
import type { Genesis } from './genesis.ts';
import { openJournal, type Disk, type Journal } from './journal.ts';
import { lockFolder } from './lock.ts';
import { Pool } from './pool.ts';
import { Snapshots } from './snapshots.ts';
import { accountOf, genesisState, type State } from './state.ts';
import { States } from './states.ts';
import { balanceOf, beaconOf, commitmentsOf, hyperparametersOf, metagraphOf, weightCommitsOf, weightsOf } from './views.ts';

const MAX_EXTRINSICS_PER_BLOCK = 512;

export type NodeOptions = {
  /** Holds the journal and the snapshots; only one node at a time. */
  readonly dir: string;
  readonly genesis: Genesis;
  /** 32 bytes that the author draws its randomness and its beacon from. */
  readonly secret: Uint8Array;
  /** The journal's file, given the real one. */
  readonly disk?: (disk: Disk) => Disk;
  /** How seldom states are kept, `StatesOptions`. */
  readonly snapshotWork?: number;
};

/** What a signer needs to know to write an extrinsic. */
export type SigningInfo = { readonly genesisHash: string; readonly specVersion: number; readonly nonce: number; readonly born: BlockRef };

/**
 * The chain of a folder, with all blocks it ever acknowledged.
 *
 * @throws {InvalidInput} when another process holds the folder, or it began with another genesis or author
 * @throws {InvalidInput | NewerSchema} when another version wrote the journal
 * @throws {ChecksumMismatch} when the journal was changed
 */
export async function openNode(options: NodeOptions): Promise<LocalNode> {
  const { dir, genesis, secret } = options;
  if (genesis.beacon && genesis.beacon.publicKey !== authorBeacon(secret).publicKey) throw new InvalidInput(`Expected in ${dir} the author's secret that the genesis has the beacon of`);
  const release = await lockFolder(dir);
  try {
    const { journal, entries } = await openJournal(join(dir, 'journal.jsonl'), options.disk);
    try {
      const branch = restoreBranch(genesis, entries);
      if (entries.length === 0) await journal.append(headerOf(genesis));
      const snapshots = new Snapshots(join(dir, 'states'), genesisState(genesis));
      const states = new States({ ...options, branch, journal, snapshots });
      return new LocalNode({ ...options, branch, journal, states, release });
    } catch (error) {
      await journal.close();
      throw error;
    }
  } catch (error) {
    await release();
    throw error;
  }
}

type Parts = Pick<NodeOptions, 'genesis' | 'secret'> & { readonly branch: Branch; readonly journal: Journal; readonly states: States; readonly release: () => Promise<void> };

/** A chain with one author: takes extrinsics, makes blocks when told, answers for any block it has. */
export class LocalNode {
  readonly #genesis: Genesis;
  readonly #secret: Uint8Array;
  readonly #branch: Branch;
  readonly #journal: Journal;
  readonly #states: States;
  readonly #release: () => Promise<void>;
  readonly #pool = new Pool<DecodedExtrinsic>();
  #writing: Promise<unknown> = Promise.resolve();

  constructor({ genesis, secret, branch, journal, states, release }: Parts) {
    this.#genesis = genesis;
    this.#secret = secret;
    this.#branch = branch;
    this.#journal = journal;
    this.#states = states;
    this.#release = release;
  }

  /** The newest finalized block. */
  head(): BlockRef {
    return this.#branch.finalized;
  }

  /** @throws {ChainUnavailable} when that block is not finalized yet */
  blockHash(number: number): string {
    if (number > this.head().number) throw new ChainUnavailable(`Expected a finalized block, up to ${this.head().number}, got ${number}`);
    return this.#branch.ref(number).hash;
  }

  /** @throws {InvalidInput | ChainUnavailable} unknown subnet or block */
  metagraph(netuid: number, at: string): Metagraph {
    const { ref, state } = this.#subnet(netuid, at);
    return metagraphOf(state, this.#genesis, ref);
  }

  commitments(netuid: number, at: string): Commitment[] {
    return commitmentsOf(this.#subnet(netuid, at).state);
  }

  weights(netuid: number, at: string): WeightRow[] {
    return weightsOf(this.#subnet(netuid, at).state);
  }

  weightCommits(netuid: number, at: string): WeightCommit[] {
    return weightCommitsOf(this.#subnet(netuid, at).state);
  }

  hyperparameters(netuid: number, at: string): Hyperparameters {
    const { ref, state } = this.#subnet(netuid, at);
    return hyperparametersOf(state, this.#genesis, ref);
  }

  epochInput(netuid: number, at: string): EpochInput[] {
    return [nextEpochInput(this.#subnet(netuid, at).state, this.#genesis)];
  }

  /** In rao, decimal. */
  balance(account: string, at: string): string {
    return balanceOf(this.#states.at(this.#branch.refOf(at)), account);
  }

  beacon(at: string): Beacon | undefined {
    return beaconOf(this.#states.at(this.#branch.refOf(at)), this.#genesis);
  }

  /** The nonce counts what waits in the pool; a new extrinsic is born at the finalized head. */
  signing(signer: string): SigningInfo {
    const nonce = this.#pool.nextFree(signer, accountOf(this.#bestState(), signer).nonce);
    return { genesisHash: this.#branch.ref(0).hash, specVersion: this.#genesis.specVersion, nonce, born: this.head() };
  }

  /**
   * Takes an extrinsic into the pool, once however often it comes.
   *
   * @throws {ExtrinsicRefused} `BadFormat`, `BadProof`, `AncientBirthBlock`, `Stale`, `Future`, `TooLowPriority`,
   *   `ImmediatelyDropped`, or the runtime's error for a call that it would refuse anyway
   */
  submit(hex: string): void {
    const extrinsic = decoded(hex);
    if (this.#branch.inclusionOf(extrinsic.hash) || this.#pool.has(extrinsic)) return;
    const state = this.#bestState();
    if (extrinsic.diesAt <= state.number) throw new ExtrinsicRefused('AncientBirthBlock', `Expected an extrinsic that lives after block ${state.number}, got one until ${extrinsic.diesAt}`);
    this.#pool.checkPlace(extrinsic, accountOf(state, extrinsic.signer).nonce);
    this.#checkSignature(extrinsic);
    refuse(() => precheck({ ...state, number: state.number + 1 }, this.#genesis, extrinsic.call, extrinsic.signer));
    this.#pool.add(extrinsic);
  }

  /** What became of an extrinsic, by finalized blocks only. */
  landing({ hash, signer, nonce, diesAt }: Pick<SignedExtrinsic, 'hash' | 'signer' | 'nonce' | 'diesAt'>): Exclude<Landing, { kind: 'forgotten' }> {
    const head = this.head();
    const inclusion = this.#branch.inclusionOf(hash);
    if (inclusion && inclusion.block <= head.number) {
      const { index, outcome } = inclusion;
      const block = this.#branch.ref(inclusion.block);
      return outcome ? { kind: 'failed', block, ...outcome } : { kind: 'included', block, index };
    }
    if (accountOf(this.#states.at(head), signer).nonce > nonce) return { kind: 'nonceTaken' };
    return head.number < diesAt ? { kind: 'pending' } : { kind: 'expired' };
  }

  /**
   * The next block, on the disk before it is returned. Calls queue up.
   *
   * @throws {ChainUnavailable} when the disk takes no more: there is no such block, and a later call may make one
   */
  produceBlock(): Promise<BlockRef> {
    return this.#queued(() => this.#produce());
  }

  /**
   * Drops the newest blocks, as a fork that wins does: their extrinsics wait again, before all others, and the next
   * block is another one. On the disk before it returns.
   *
   * @returns the best block that is left
   * @throws {InvalidInput} when a final block would be dropped
   * @throws {ChainUnavailable} when the disk takes no more
   */
  reorganise(depth: number): Promise<BlockRef> {
    return this.#queued(() => this.#reorganise(depth));
  }

  /** Forgets all that waits, as a node that restarts does. @returns how many that were */
  dropPool(): number {
    return this.#pool.clear();
  }

  /** Takes the next extrinsic that is sent, and forgets it. */
  dropNext(): void {
    this.#pool.loseNext();
  }

  /** Waits for the block in progress. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#journal.close();
    await this.#release();
  }

  #queued<T>(write: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(write);
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #produce(): Promise<BlockRef> {
    const parent = this.#branch.best;
    const number = parent.number + 1;
    const pulse = authorPulse(this.#secret, this.#genesis, number);
    const draft = new BlockDraft(this.#states.at(parent), this.#genesis, pulse);
    fill(draft, this.#pool.waiting());
    const randomness = authorRandomness(this.#forkSecret(), parent.hash);
    const { extrinsics, ...header }: Block = { number, parent: parent.hash, randomness, pulse, extrinsics: draft.extrinsics };
    const hash = blockHash({ ...header, extrinsics });
    const record: Omit<BlockRecord, 'line'> = { hash, included: draft.inclusions.map((inclusion) => inclusion.hash), failed: draft.failures };
    const line = await this.#journal.append({ ...header, ...record, extrinsics });
    const ref = this.#branch.append({ ...record, line });
    this.#states.add(ref, draft);
    this.#pool.prune(ref.number, (signer) => accountOf(draft.state, signer).nonce);
    return ref;
  }

  async #reorganise(depth: number): Promise<BlockRef> {
    const { best } = this.#branch;
    const left = this.#branch.before(depth);
    const dropped = Array.from({ length: depth }, (_, i) => this.#branch.record(best.number - depth + 1 + i));
    const extrinsics = dropped.flatMap(({ line }) => (this.#journal.read(line) as Block).extrinsics);
    await this.#journal.append({ best: left });
    this.#branch.drop(left.number);
    this.#pool.takeBack(extrinsics.map(decodeExtrinsic), left.number);
    return left;
  }

  /** After each fork another one: the same parent and extrinsics must not give the block that was dropped. */
  #forkSecret(): Uint8Array {
    const { forks } = this.#branch;
    return forks === 0 ? this.#secret : blake2b(new ByteWriter().uint(forks, 4).done(), { key: this.#secret, dkLen: 32 });
  }

  #checkSignature(extrinsic: DecodedExtrinsic): void {
    const { best } = this.#branch;
    const born = extrinsic.bornAt <= best.number ? this.#branch.ref(extrinsic.bornAt) : undefined;
    const context = { genesisHash: this.#branch.ref(0).hash, specVersion: this.#genesis.specVersion };
    if (!born || !isSignedFor(extrinsic, { ...context, birthHash: born.hash })) {
      throw new ExtrinsicRefused('BadProof', 'Expected a signature over these bytes for this chain, runtime and birth block');
    }
  }

  #subnet(netuid: number, at: string): { ref: BlockRef; state: State } {
    if (netuid !== this.#genesis.netuid) throw new InvalidInput(`Expected subnet ${this.#genesis.netuid}, got ${netuid}`);
    const ref = this.#branch.refOf(at);
    return { ref, state: this.#states.at(ref) };
  }

  #bestState(): State {
    return this.#states.at(this.#branch.best);
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
