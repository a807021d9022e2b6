import { ChecksumMismatch } from '../../errors.ts';
import type { BlockRef } from '../chain.ts';
import type { Block } from './block.ts';
import { BlockDraft } from './block-draft.ts';
import type { Branch } from './branch.ts';
import { decodeExtrinsic } from './extrinsic.ts';
import type { Genesis } from './genesis.ts';
import type { Journal } from './journal.ts';
import type { Snapshots } from './snapshots.ts';
import { genesisState, type State } from './state.ts';

/** States in memory: those of the newest blocks, and of old ones that somebody reads just now. */
const MAX_STATES = 32;
const SNAPSHOT_WORK = 512;

export type StatesOptions = {
  readonly genesis: Genesis;
  readonly branch: Branch;
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  /** A snapshot is due once executing the blocks since the last one costs as much as this many extrinsics. */
  readonly snapshotWork?: number;
};

/** The state after each block of the branch: a few in memory, some as snapshots, all others executed again when asked for. */
export class States {
  readonly #genesis: Genesis;
  readonly #branch: Branch;
  readonly #journal: Journal;
  readonly #snapshots: Snapshots;
  readonly #snapshotWork: number;
  readonly #recent = new Map<string, State>();
  /** Since the last snapshot below the best block. */
  #work: number;

  /** @throws {ChecksumMismatch} when the blocks since the last snapshot do not give what they gave */
  constructor({ genesis, branch, journal, snapshots, snapshotWork = SNAPSHOT_WORK }: StatesOptions) {
    this.#genesis = genesis;
    this.#branch = branch;
    this.#journal = journal;
    this.#snapshots = snapshots;
    this.#snapshotWork = snapshotWork;
    this.#work = this.#execute(branch.best).work;
  }

  /** @throws {ChecksumMismatch} when a block does not give what it gave when it was made */
  at(block: BlockRef): State {
    const known = this.#recent.get(block.hash);
    return known ? this.#remember(block, known) : this.#execute(block).state;
  }

  /** Takes the state after a block that was just made. */
  add(block: BlockRef, draft: BlockDraft): void {
    this.#remember(block, draft.state);
    this.#work = this.#saved(block, draft, this.#work);
  }

  #execute(block: BlockRef): { state: State; work: number } {
    let { number, state } = this.#nearest(block.number);
    let work = 0;
    while (number < block.number) {
      const draft = this.#executed(++number, state);
      work = this.#saved(this.#branch.ref(number), draft, work);
      state = draft.state;
    }
    this.#remember(block, state);
    return { state, work };
  }

  /** The newest state at hand that is not after `number`. */
  #nearest(number: number): { number: number; state: State } {
    for (let at = number; at > 0; at--) {
      const block = this.#branch.ref(at);
      const state = this.#recent.get(block.hash) ?? this.#snapshots.read(block);
      if (state) return { number: at, state };
    }
    return { number: 0, state: genesisState(this.#genesis) };
  }

  /** Signatures were checked when the block was made, and its bytes have not changed since. */
  #executed(number: number, parent: State): BlockDraft {
    const { line, included, failed } = this.#branch.record(number);
    const block = this.#journal.read(line) as Block;
    const draft = new BlockDraft(parent, this.#genesis, block.pulse);
    const fits = block.extrinsics.every((hex) => draft.include(decodeExtrinsic(hex)));
    const same = fits && draft.inclusions.every(({ hash, outcome }, i) => hash === included[i] && outcome?.code === failed.find(({ index }) => index === i)?.code);
    if (!same) throw new ChecksumMismatch(`Expected block ${number} to give what it gave when it was made: this is another runtime's chain, or a damaged one`);
    return draft;
  }

  /** Saves the state when it is time to. @returns the work since the last snapshot */
  #saved(block: BlockRef, draft: BlockDraft, before: number): number {
    const work = before + draft.work;
    if (work < this.#snapshotWork) return work;
    if (!this.#snapshots.has(block)) this.#snapshots.save(block, draft.state);
    return 0;
  }

  #remember({ hash }: BlockRef, state: State): State {
    this.#recent.delete(hash);
    this.#recent.set(hash, state);
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= MAX_STATES) break;
      this.#recent.delete(oldest);
    }
    return state;
  }
}
