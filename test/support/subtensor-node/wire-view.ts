import { concatBytes } from '@noble/hashes/utils.js';
import { outcomeEvent } from './events.ts';
import { ByteWriter } from '../../../genki/chain/local/byte-codec.ts';
import { unknownBlock } from './rpc-failure.ts';
import { ScaleBytes, compact } from './scale-bytes.ts';
import type { WireBlock } from './wire-block.ts';
import type { WireChain } from './wire-chain.ts';
import { Storages, type Storage } from './wire-storage.ts';
import { toHex } from './wire-runtime.ts';

/** What one node tells of the chain: all of it, or less, or what is not so. */
export class WireView {
  readonly chain: WireChain;
  readonly #storages: Storages;
  /** Extrinsics that it says are in a block, by the block's number. */
  readonly #claims = new Map<number, string>();
  #lag = 0;

  constructor(chain: WireChain) {
    this.chain = chain;
    this.#storages = new Storages(chain);
  }

  /** It hears of blocks so many later than others. */
  set lag(blocks: number) {
    this.#lag = blocks;
  }

  /** It says that the block of that number has the extrinsic, too, and that it succeeded. */
  claim(number: number, hex: string): void {
    this.#claims.set(number, hex);
  }

  get best(): WireBlock {
    return this.chain.block(Math.max(0, this.chain.best.header.number - this.#lag))!;
  }

  get finalized(): WireBlock {
    return this.chain.block(Math.min(this.chain.finalized.header.number, this.best.header.number))!;
  }

  byNumber(number: number): WireBlock | undefined {
    return number <= this.best.header.number ? this.chain.block(number) : undefined;
  }

  byHash(hash: string): WireBlock | undefined {
    const block = this.chain.blockOf(hash);
    return block && block.header.number <= this.best.header.number ? block : undefined;
  }

  /** The block whose state is asked for; the best one unless told. @throws {RpcFailure} */
  stateOf(hash: string | null | undefined): WireBlock {
    if (hash === null || hash === undefined) return this.best;
    const block = this.chain.stateOf(hash);
    if (block.header.number > this.best.header.number) throw unknownBlock(hash);
    return block;
  }

  extrinsicsOf({ header, extrinsics }: WireBlock): readonly string[] {
    const claim = this.#claims.get(header.number);
    return claim ? [...extrinsics, claim] : extrinsics;
  }

  storageAt(block: WireBlock): Storage {
    const storage = this.#storages.at(block);
    const claim = this.#claims.get(block.header.number);
    if (!claim) return storage;
    const [eventsKey] = block.code.storage('System.Events', [], [])!;
    return new Map([...storage, [eventsKey, toHex(withSuccess(block))]]);
  }
}

/** The block's events and one more, of an extrinsic after all others. */
function withSuccess({ events, extrinsics, runtime }: WireBlock): Uint8Array {
  const reader = new ScaleBytes(events);
  const count = reader.compact();
  const phase = new ByteWriter().uint(0, 1).uint(extrinsics.length, 4).done();
  return concatBytes(compact(count + 1n), reader.take(reader.left), phase, outcomeEvent(runtime, null, { pays: false }), compact(0));
}
