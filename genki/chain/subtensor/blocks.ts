import { hexToBytes } from '@noble/hashes/utils.js';
import type { ApiPromise } from '@polkadot/api';
import * as z from 'zod';
import { ChainUnavailable } from '../../errors.ts';
import type { Hotkey } from '../chain.ts';
import { blake2Hash } from '../keys.ts';
import type { Connection } from './connection.ts';
import { Recent } from './recent.ts';
import { json } from './values.ts';

const SignedBlock = z.object({ block: z.object({ extrinsics: z.array(z.string().regex(/^0x([0-9a-f]{2})+$/)) }) });
const KNOWN_BLOCKS = 512;
const LAST_PLACE = 2 ** 32 - 1;

type Call = ReturnType<ApiPromise['createType']> & { readonly section?: string; readonly method?: string; readonly args?: readonly unknown[] };

/** What is in finalized blocks; they never change, so each is asked for once. */
export class Blocks {
  readonly #connection: Connection;
  readonly #hashes = new Recent<string, readonly string[]>(KNOWN_BLOCKS);
  readonly #places = new Recent<string, ReadonlyMap<Hotkey, number>>(KNOWN_BLOCKS);

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Hash of each extrinsic, in order. @throws {ChainUnavailable} */
  async extrinsicHashes(block: string): Promise<readonly string[]> {
    const known = this.#hashes.get(block);
    if (known) return known;
    const hashes = (await this.#extrinsics(block)).map((hex) => blake2Hash(hexToBytes(hex.slice(2))));
    this.#hashes.set(block, hashes);
    return hashes;
  }

  /** Where in a block a hotkey's last commitment in a subnet was made, by itself, in a batch or through a proxy; beyond all where it is not found. */
  async commitmentPlaces(number: number, netuid: number): Promise<(hotkey: Hotkey) => number> {
    const hash = await this.#connection.blockHash(number);
    const key = `${netuid}/${hash}`;
    let places = this.#places.get(key);
    if (!places) {
      const { registry } = await (await this.#connection.api()).at(hash);
      const found = new Map<Hotkey, number>();
      (await this.#extrinsics(hash)).forEach((hex, index) => {
        const { signer, method } = registry.createType('Extrinsic', hex);
        committers(method, signer.toString(), netuid).forEach((hotkey) => found.set(hotkey, index));
      });
      this.#places.set(key, found);
      places = found;
    }
    const found = places;
    return (hotkey) => found.get(hotkey) ?? LAST_PLACE;
  }

  async #extrinsics(hash: string): Promise<readonly string[]> {
    const answer = SignedBlock.safeParse(await this.#connection.raw('chain_getBlock', [hash]));
    if (!answer.success) throw new ChainUnavailable(`Expected a node that has block ${hash}`);
    return answer.data.block.extrinsics;
  }
}

/** Who commits by a call, with the calls that it carries. */
function committers(call: unknown, origin: Hotkey, netuid: number): Hotkey[] {
  const { section, method, args = [] } = call as Call;
  if (section === 'commitments' && method === 'setCommitment') return Number(args[0]) === netuid ? [origin] : [];
  if (section === 'utility' && method?.startsWith('batch')) return [...(args[0] as Iterable<unknown>)].flatMap((inner) => committers(inner, origin, netuid));
  if (section === 'proxy' && method === 'proxy') return committers(args[2], String(addressOf(args[0])), netuid);
  return [];
}

/** Of a multi-address the account. */
function addressOf(value: unknown): unknown {
  const address = json(value);
  return typeof address === 'string' ? address : (address as { id?: string } | null)?.id;
}
