import { InvalidInput, ExtrinsicRefused } from '../../../genki/errors.ts';
import { authorPulse } from '../../../genki/chain/local/block.ts';
import { ByteWriter } from '../../../genki/chain/local/byte-codec.ts';
import { genesisHash, type Genesis } from '../../../genki/chain/local/genesis.ts';
import { Pool } from '../../../genki/chain/local/pool.ts';
import { genesisState } from '../../../genki/chain/local/state.ts';
import { blake2b } from '@noble/hashes/blake2.js';
import { birthOf, isFramed, readEnvelope } from './envelope.ts';
import { encodeEvents } from './events.ts';
import { headerHash } from './header.ts';
import { alreadyImported, badFormat, refused, stateDiscarded, temporarilyBanned, unknownBlock, verificationFailed } from './rpc-failure.ts';
import { faultOf, nonceOf } from './validity.ts';
import type { WireBlock, WireExtrinsic } from './wire-block.ts';
import { readCall } from './wire-calls.ts';
import { WireDraft } from './wire-draft.ts';
import type { WireRuntime } from './wire-runtime.ts';

export type WireChainOptions = {
  readonly genesis: Genesis;
  /** 32 bytes that the author draws its seals and its beacon from. */
  readonly secret: Uint8Array;
  readonly runtime: WireRuntime;
  /** Of block 0; each later one comes 12 s after. */
  readonly startMs?: number;
  /** Blocks from the best one for which states are kept; all of them unless told. */
  readonly pruning?: number;
};

/** What became of blocks and extrinsics, as it happens. */
export type Change =
  | { readonly kind: 'imported' | 'retracted'; readonly block: WireBlock }
  /** Oldest first. */
  | { readonly kind: 'finalized'; readonly blocks: readonly WireBlock[] }
  | { readonly kind: 'invalid' | 'lost'; readonly hash: string };

const NOWHERE = `0x${'0'.repeat(64)}`;

/** The local chain's runtime behind Substrate's blocks: headers, extrinsics and events as mainnet writes them. Blocks come when told. */
export class WireChain {
  readonly genesis: Genesis;
  readonly #secret: Uint8Array;
  readonly #branch: WireBlock[];
  readonly #blocks = new Map<string, WireBlock>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #pool = new Pool<WireExtrinsic>();
  /** Of the branch: the pool does not take them again. */
  readonly #included = new Set<string>();
  readonly #banned = new Set<string>();
  #pruning: number;
  #finalized = 0;
  #holdsFinality = false;
  #forks = 0;
  #upgrade: WireRuntime | undefined;

  constructor({ genesis, secret, runtime, startMs = 1_760_000_004_000, pruning = Number.POSITIVE_INFINITY }: WireChainOptions) {
    this.genesis = genesis;
    this.#secret = secret;
    this.#pruning = pruning;
    const root = genesisHash(genesis);
    const header = { parentHash: NOWHERE, number: 0, stateRoot: root, extrinsicsRoot: root, logs: [] };
    const first: WireBlock = { hash: headerHash(header), header, extrinsics: [], signed: [], events: encodeEvents([]), state: genesisState(genesis), timeMs: startMs, runtime, code: runtime };
    this.#branch = [first];
    this.#blocks.set(first.hash, first);
  }

  get best(): WireBlock {
    return this.#branch.at(-1)!;
  }

  get finalized(): WireBlock {
    return this.#branch[this.#finalized]!;
  }

  /** Undefined for a number that the best branch does not have. */
  block(number: number): WireBlock | undefined {
    return this.#branch[number];
  }

  /** Also one that a reorganisation has dropped. */
  blockOf(hash: string): WireBlock | undefined {
    return this.#blocks.get(hash);
  }

  /** The block, if its state is still there. @throws {RpcFailure} */
  stateOf(hash: string): WireBlock {
    const block = this.#blocks.get(hash);
    if (!block) throw unknownBlock(hash);
    const { number } = block.header;
    const stale = this.#branch[number] !== block && number <= this.#finalized;
    if (stale || number < this.best.header.number - this.#pruning) throw stateDiscarded(hash);
    return block;
  }

  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes an extrinsic into the pool. @returns its hash @throws {RpcFailure} */
  submit(hex: string): string {
    const extrinsic = this.#read(hex);
    const { hash, signer } = extrinsic;
    if (this.#included.has(hash) || this.#banned.has(hash)) throw temporarilyBanned();
    if (this.#pool.has(extrinsic)) throw alreadyImported(hash);
    const fault = faultOf(extrinsic, this.#next());
    if (fault) throw refused(fault);
    try {
      this.#pool.checkPlace(extrinsic, nonceOf(this.best.state, signer));
    } catch (error) {
      if (error instanceof ExtrinsicRefused) throw refused(error.code);
      throw error;
    }
    this.#pool.add(extrinsic);
    if (!this.#pool.has(extrinsic)) this.#tell({ kind: 'lost', hash });
    return hash;
  }

  /** Those that wait, counted. */
  nextNonce(account: string): number {
    return this.#pool.nextFree(account, nonceOf(this.best.state, account));
  }

  waiting(): WireExtrinsic[] {
    return this.#pool.waiting();
  }

  /** @returns the last one */
  produceBlocks(count: number): WireBlock {
    for (let i = 0; i < count; i++) this.#produce();
    return this.best;
  }

  /** Drops the newest blocks; their extrinsics wait again. @returns the best one left @throws {InvalidInput} when a final one would go */
  reorganise(depth: number): WireBlock {
    const left = this.best.header.number - depth;
    if (depth < 1 || left < this.#finalized) throw new InvalidInput(`Expected to drop 1 to ${this.best.header.number - this.#finalized} blocks, got ${depth}`);
    const dropped = this.#branch.splice(left + 1);
    for (const block of dropped) {
      for (const { hash } of block.signed) this.#included.delete(hash);
      this.#tell({ kind: 'retracted', block });
    }
    this.#pool.takeBack(dropped.flatMap(({ signed }) => signed), left);
    this.#forks++;
    return this.best;
  }

  /** Blocks come, but none becomes final, until it is let go; then the newest alone is told of. */
  holdFinality(holds: boolean): void {
    this.#holdsFinality = holds;
    if (!holds) this.#finalize();
  }

  /** The next block puts another runtime's code in the place of the present one. */
  upgrade(runtime: WireRuntime): void {
    this.#upgrade = runtime;
  }

  prune(blocks: number): void {
    this.#pruning = blocks;
  }

  /** The pool takes that extrinsic no more, as after it was found invalid. */
  ban(hash: string): void {
    this.#banned.add(hash);
  }

  /** @returns how many extrinsics waited */
  dropPool(): number {
    return this.#pool.clear();
  }

  /** The next extrinsic is acknowledged, and forgotten. */
  dropNext(): void {
    this.#pool.loseNext();
  }

  #produce(): void {
    const parent = this.best;
    const number = parent.header.number + 1;
    const draft = new WireDraft({ parent, genesis: this.genesis, pulse: authorPulse(this.#secret, this.genesis, number), hashOf: this.#hashOf, upgrade: this.#upgrade });
    const invalid = fill(draft, this.#pool.waiting());
    const block = draft.done(blake2b(new ByteWriter().uint(this.#forks, 4).done(), { key: this.#secret, dkLen: 32 }));
    this.#upgrade = undefined;
    this.#branch.push(block);
    this.#blocks.set(block.hash, block);
    for (const { hash } of block.signed) this.#included.add(hash);
    for (const { hash } of invalid) this.#banned.add(hash);
    this.#pool.prune(number, (signer) => nonceOf(block.state, signer));
    this.#pool.remove(invalid);
    this.#tell({ kind: 'imported', block });
    for (const { hash } of invalid) this.#tell({ kind: 'invalid', hash });
    if (!this.#holdsFinality) this.#finalize();
  }

  #finalize(): void {
    const final = Math.max(this.#finalized, this.best.header.number - this.genesis.finalityLag);
    const blocks = this.#branch.slice(this.#finalized + 1, final + 1);
    this.#finalized = final;
    if (blocks.length > 0) this.#tell({ kind: 'finalized', blocks });
  }

  #read(hex: string): WireExtrinsic {
    if (!/^0x([0-9a-f]{2})+$/.test(hex) || !isFramed(hex)) throw badFormat('Not enough data to fill buffer');
    try {
      const envelope = readEnvelope(hex);
      const { hash, signer, nonce, era } = envelope;
      const bornAt = era ? birthOf(era, this.best.header.number + 1) : 0;
      return { hex, hash, signer, nonce, bornAt, diesAt: era ? bornAt + era.period - 1 : Number.POSITIVE_INFINITY, envelope, call: readCall(this.best.code, envelope.call) };
    } catch {
      // the runtime traps, whatever the bytes are
      throw verificationFailed();
    }
  }

  #next() {
    const { state, code } = this.best;
    return { state: { ...state, number: state.number + 1 }, genesis: this.genesis, runtime: code, hashOf: this.#hashOf };
  }

  readonly #hashOf = (number: number): string | undefined => this.#branch[number]?.hash;

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** First come, first in, with another pass for those that waited for a nonce. @returns the invalid ones */
function fill(draft: WireDraft, waiting: readonly WireExtrinsic[]): WireExtrinsic[] {
  const invalid: WireExtrinsic[] = [];
  let left = waiting;
  for (let before = Number.POSITIVE_INFINITY; left.length < before; ) {
    before = left.length;
    left = left.filter((extrinsic) => {
      const fate = draft.include(extrinsic);
      if (fate === 'invalid') invalid.push(extrinsic);
      return fate === 'waits';
    });
  }
  return invalid;
}
