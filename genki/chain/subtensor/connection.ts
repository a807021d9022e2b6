import { setTimeout as wait } from 'node:timers/promises';
import { ApiPromise } from '@polkadot/api';
import type { ApiDecoration } from '@polkadot/api/types';
import type { Header } from '@polkadot/types/interfaces';
import { ChainUnavailable, InvalidInput } from '../../errors.ts';
import type { BlockRef, EndpointHealth } from '../chain.ts';
import { Endpoints, type EndpointsOptions } from './endpoints.ts';
import { extensionsOf, SUBTENSOR_EXTENSIONS } from './extensions.ts';
import { Recent } from './recent.ts';
import { NodeRefused } from './wire.ts';

export type ConnectionOptions = EndpointsOptions & {
  /** A node that keeps the states of all blocks; asked where the others have forgotten. */
  readonly archive?: string;
};

/** The chain's state at a block, decoded by the runtime of that block. */
export type StateAt = ApiDecoration<'promise'>;

/** Finalized blocks that are known to be so. */
const KNOWN_BLOCKS = 4096;
/** Half a block of mainnet. */
const ASK_AGAIN_MS = 6000;
/** What nodes say of a state that they keep no more. */
const FORGOTTEN = /state already discarded|unknownblock|state not available|header was not found/i;

/** A chain through its nodes, and an archive for what those forget. */
export class Connection {
  readonly #endpoints: Endpoints;
  readonly #archive: Endpoints | undefined;
  readonly #apis = new Map<Endpoints, Promise<ApiPromise>>();
  readonly #final = new Recent<string, BlockRef>(KNOWN_BLOCKS);
  readonly #waiters = new Set<() => void>();
  #listens = false;
  #closed = false;

  constructor({ archive, ...options }: ConnectionOptions) {
    this.#endpoints = new Endpoints(options);
    this.#archive = archive === undefined ? undefined : new Endpoints({ ...options, endpoints: [archive] });
  }

  health(): EndpointHealth[] {
    return this.#endpoints.health();
  }

  /** The runtime of now. @throws {ChainUnavailable} */
  api(): Promise<ApiPromise> {
    return this.#apiOf(this.#endpoints);
  }

  /** One of the nodes' own answers. @throws {NodeRefused} @throws {ChainUnavailable} */
  async raw<T>(method: string, params: unknown[]): Promise<T> {
    await this.api();
    return await this.#endpoints.send<T>(method, params);
  }

  /** The newest finalized block. */
  async head(): Promise<BlockRef> {
    return await asked(async () => {
      const hash = await this.raw<string>('chain_getFinalizedHead', []);
      const known = this.#final.get(hash);
      if (known) return known;
      const head = { number: await this.#numberOf(hash), hash };
      this.#endpoints.heard(head.number);
      this.#final.set(hash, head);
      return head;
    });
  }

  /** Waits for a later block to be final; a node that forgets to tell is asked now and then. */
  async headAfter(number: number, signal: AbortSignal): Promise<BlockRef> {
    for (;;) {
      const news = this.#nextHead(signal);
      const head = await this.head();
      if (head.number > number) return head;
      await news;
      signal.throwIfAborted();
    }
  }

  /** Resolves when the node tells of a new head, after a while, or when the signal says so; never rejects. */
  async #nextHead(signal: AbortSignal): Promise<void> {
    if (!this.#listens) {
      this.#listens = true;
      void this.#subscribeHeads();
    }
    const told = new AbortController();
    const tell = (): void => told.abort();
    this.#waiters.add(tell);
    await wait(ASK_AGAIN_MS, undefined, { signal: AbortSignal.any([signal, told.signal]), ref: false }).catch(() => undefined);
    this.#waiters.delete(tell);
  }

  async #subscribeHeads(): Promise<void> {
    try {
      await this.api();
      await this.#endpoints.subscribe('chain_finalizedHead', 'chain_subscribeFinalizedHeads', [], () => {
        for (const tell of this.#waiters) tell();
      });
    } catch {
      // the next who waits tries again
      this.#listens = false;
    }
  }

  /** @throws {ChainUnavailable} when that block is not finalized yet */
  async blockHash(number: number): Promise<string> {
    return await asked(async () => {
      const head = await this.head();
      if (number > head.number) throw new ChainUnavailable(`Expected a finalized block, up to ${head.number}, got ${number}`);
      if (number === head.number) return head.hash;
      const hash = await this.raw<string | null>('chain_getBlockHash', [number]);
      if (typeof hash !== 'string') throw new ChainUnavailable(`Expected a node that knows block ${number}`);
      this.#final.set(hash, { number, hash });
      return hash;
    });
  }

  /** The finalized block of that hash. @throws {ChainUnavailable} where there is none, or none yet */
  async block(hash: string): Promise<BlockRef> {
    return await asked(async () => {
      const known = this.#final.get(hash);
      if (known) return known;
      const number = await this.#numberOf(hash);
      if ((await this.blockHash(number)) !== hash) throw new ChainUnavailable(`Expected a finalized block, ${hash} is on a fork`);
      const ref = { number, hash };
      this.#final.set(hash, ref);
      return ref;
    });
  }

  /** Reads the state after a finalized block. @throws {ChainUnavailable} also where no node keeps it any more */
  async at<T>(hash: string, read: (state: StateAt, block: BlockRef) => Promise<T>): Promise<T> {
    return await asked(async () => {
      const block = await this.block(hash);
      try {
        return await read(await (await this.api()).at(hash), block);
      } catch (error) {
        if (!(error instanceof Error) || !FORGOTTEN.test(`${error.message} ${error instanceof NodeRefused ? error.data : ''}`)) throw error;
        if (!this.#archive) throw new ForgottenState(`Expected the state of block ${block.number}: the node has forgotten it; name an archive node`, { cause: error });
        return await read(await (await this.#apiOf(this.#archive)).at(hash), block);
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#endpoints, this.#archive].map(async (endpoints) => {
      const api = endpoints && (await this.#apis.get(endpoints)?.catch(() => undefined));
      await api?.disconnect();
      await endpoints?.disconnect();
    }));
  }

  async #numberOf(hash: string): Promise<number> {
    const header = await this.raw<Pick<Header, 'number'> | null>('chain_getHeader', [hash]);
    const number = Number(header?.number);
    if (!Number.isSafeInteger(number)) throw new ChainUnavailable(`Expected a node that knows block ${hash}`);
    return number;
  }

  async #apiOf(endpoints: Endpoints): Promise<ApiPromise> {
    if (this.#closed) throw new ChainUnavailable('Expected a connection to the chain, this one was closed');
    await endpoints.connect();
    let api = this.#apis.get(endpoints);
    if (!api) {
      api = started(endpoints);
      this.#apis.set(endpoints, api);
      // one that could not start is no use: the next who asks tries afresh
      api.catch(() => this.#apis.delete(endpoints));
    }
    return await api;
  }
}

/** No node that is asked keeps the state of that block any more. */
export class ForgottenState extends ChainUnavailable {}

async function started(provider: Endpoints): Promise<ApiPromise> {
  const api = await ApiPromise.create({ provider, throwOnConnect: true, noInitWarn: true, signedExtensions: SUBTENSOR_EXTENSIONS });
  // what cannot be signed for is told now, not when something has to be signed
  extensionsOf(api.registry);
  return api;
}

/** What the library throws in its own words means that the node did not say what it should. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ChainUnavailable || error instanceof InvalidInput) throw error;
    const said = error instanceof NodeRefused && error.data !== '' ? `: ${error.data}` : '';
    throw new ChainUnavailable(`Expected an answer of the chain: ${error instanceof Error ? error.message : String(error)}${said}`, { cause: error });
  }
}
