import { ChainUnavailable, InvalidInput } from '../../errors.ts';
import type { BlockRef } from '../chain.ts';
import type { Outcome } from './runtime.ts';

/** What is kept in memory of a block; the rest of it is in the journal. */
export type BlockRecord = {
  readonly hash: string;
  /** Of the journal; 0 for the genesis, which has none. */
  readonly line: number;
  /** Hashes of its extrinsics, in order. */
  readonly included: readonly string[];
  /** Outcomes of those that failed, by place in the block. */
  readonly failed: readonly Failure[];
};

export type Failure = { readonly index: number; readonly code: string; readonly message: string };

/** An extrinsic in its block. */
export type Inclusion = { readonly block: number; readonly index: number; readonly outcome: Outcome };

/** The blocks from the genesis to the best one, where each extrinsic went, and what is final. */
export class Branch {
  readonly #finalityLag: number;
  readonly #records: BlockRecord[];
  readonly #numbers = new Map<string, number>();
  readonly #blockOf = new Map<string, number>();
  readonly #dropped = new Set<string>();
  #finalized = 0;
  #forks = 0;

  constructor(genesisHash: string, finalityLag: number) {
    this.#finalityLag = finalityLag;
    this.#records = [{ hash: genesisHash, line: 0, included: [], failed: [] }];
    this.#numbers.set(genesisHash, 0);
  }

  get best(): BlockRef {
    return this.ref(this.#records.length - 1);
  }

  /** Never goes back. */
  get finalized(): BlockRef {
    return this.ref(this.#finalized);
  }

  /** How often blocks were dropped. */
  get forks(): number {
    return this.#forks;
  }

  /** @throws {ChainUnavailable} when there is no such block yet */
  record(number: number): BlockRecord {
    const record = this.#records[number];
    if (!record) throw new ChainUnavailable(`Expected a block up to ${this.#records.length - 1}, got ${number}`);
    return record;
  }

  /** @throws {ChainUnavailable} when there is no such block yet */
  ref(number: number): BlockRef {
    return { number, hash: this.record(number).hash };
  }

  /** @throws {ChainUnavailable} when no block of this branch has the hash */
  refOf(hash: string): BlockRef {
    const number = this.#numbers.get(hash);
    if (number !== undefined) return { number, hash };
    throw new ChainUnavailable(this.#dropped.has(hash) ? `Block ${hash} was dropped by a reorganisation` : `Expected the hash of a block of this chain, got ${hash}`);
  }

  inclusionOf(extrinsic: string): Inclusion | undefined {
    const block = this.#blockOf.get(extrinsic);
    if (block === undefined) return undefined;
    const { included, failed } = this.record(block);
    const index = included.indexOf(extrinsic);
    const failure = failed.find((one) => one.index === index);
    return { block, index, outcome: failure ? { code: failure.code, message: failure.message } : null };
  }

  /** Adds a block on top of the best one. */
  append(record: BlockRecord): BlockRef {
    const number = this.#records.push(record) - 1;
    this.#numbers.set(record.hash, number);
    for (const hash of record.included) this.#blockOf.set(hash, number);
    this.#finalized = Math.max(this.#finalized, number - this.#finalityLag);
    return { number, hash: record.hash };
  }

  /**
   * What becomes the best block when the newest `depth` are dropped.
   *
   * @throws {InvalidInput} when a final one would be
   */
  before(depth: number): BlockRef {
    const best = this.#records.length - 1;
    if (depth < 1 || best - depth < this.#finalized) {
      throw new InvalidInput(`Expected to drop 1 to ${best - this.#finalized} of the blocks up to ${best}, since ${this.#finalized} is final, got ${depth}`);
    }
    return this.ref(best - depth);
  }

  /** Drops all blocks after `number`. */
  drop(number: number): void {
    const dropped = this.#records.splice(number + 1);
    for (const { hash, included } of dropped) {
      this.#numbers.delete(hash);
      this.#dropped.add(hash);
      for (const extrinsic of included) this.#blockOf.delete(extrinsic);
    }
    this.#forks++;
  }
}
