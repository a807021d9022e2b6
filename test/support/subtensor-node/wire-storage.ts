import { subnetItems, type StorageItem } from './storage-items.ts';
import { BLOCK_HASH_COUNT } from './validity.ts';
import { SLOT_MS, type WireBlock } from './wire-block.ts';
import type { WireChain } from './wire-chain.ts';
import { toHex } from './wire-runtime.ts';

/** Every key of a block's state with its value, hex, in the order of keys. */
export type Storage = ReadonlyMap<string, string>;

/** Dictionaries are large and soon not asked for any more. */
const KEPT = 8;

/** Storage dictionaries of a chain's blocks, made when they are first asked for. */
export class Storages {
  readonly #chain: WireChain;
  readonly #made = new Map<string, Storage>();

  constructor(chain: WireChain) {
    this.#chain = chain;
  }

  at(block: WireBlock): Storage {
    const storage = this.#made.get(block.hash) ?? this.#storageOf(block);
    this.#made.delete(block.hash);
    this.#made.set(block.hash, storage);
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= KEPT) break;
      this.#made.delete(oldest);
    }
    return storage;
  }

  /** An item that the state's runtime does not know is not there. */
  #storageOf(block: WireBlock): Storage {
    const { genesis } = this.#chain;
    const items = [...systemItems(block, this.#chain), ...subnetItems(block.state, genesis)];
    const pairs = items.flatMap(([item, keys, value]) => {
      const pair = block.code.storage(item, keys, value);
      return pair ? [pair] : [];
    });
    const [eventsKey] = block.code.storage('System.Events', [], [])!;
    return new Map([...pairs, [eventsKey, toHex(block.events)] as const].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Its time is the blocks' own; a chain without a beacon keeps mainnet's as the default, and has no pulses. */
function beaconConfig(chain: WireChain): StorageItem[] {
  const { beacon } = chain.genesis;
  if (!beacon) return [];
  const genesisTime = Math.floor(chain.block(0)!.timeMs / 1000);
  return [['Drand.BeaconConfig', [], { publicKey: `0x${beacon.publicKey}`, period: SLOT_MS / 1000, genesisTime, hash: '0x', groupHash: '0x', schemeId: '0x', metadata: { beaconId: '0x' } }]];
}

function systemItems({ header, timeMs, runtime }: WireBlock, chain: WireChain): StorageItem[] {
  const first = Math.max(0, header.number - BLOCK_HASH_COUNT);
  const hashes = Array.from({ length: header.number - first }, (_, i): StorageItem => ['System.BlockHash', [first + i], chain.block(first + i)!.hash]);
  return [
    ['System.Number', [], header.number],
    ['System.ParentHash', [], header.parentHash],
    ['System.LastRuntimeUpgrade', [], { specVersion: runtime.specVersion, specName: 'node-subtensor' }],
    ['Timestamp.Now', [], timeMs],
    ...beaconConfig(chain),
    ...hashes,
  ];
}
