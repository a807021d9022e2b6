import { setTimeout as wait } from 'node:timers/promises';
import type { ProviderInterface, ProviderInterfaceCallback, ProviderInterfaceEmitCb, ProviderInterfaceEmitted } from '@polkadot/rpc-provider/types';
import { ChainUnavailable, InvalidInput } from '../../errors.ts';
import type { EndpointHealth } from '../chain.ts';
import { type SubscriptionId, Wire } from './wire.ts';

export type EndpointsOptions = {
  /** `ws://` or `wss://`; the first that answers is stayed with. */
  readonly endpoints: readonly string[];
  /** 0x + 64 hex; a node of another chain is refused. Unless told, that of the first node that answers. */
  readonly genesisHash?: string;
  /** For a connection, and for each answer. 15 s unless told. */
  readonly timeoutMs?: number;
  /** Between two rounds through all endpoints, at most; it begins with a 64th. 30 s unless told. */
  readonly backoffMs?: number;
  /** From 0 to 1, so that not all come back at once. */
  readonly jitter?: () => number;
};

/** A node that knows this much less than another one has told is left, in blocks: five minutes of mainnet's. */
const MAX_LAG = 25;
const [TIMEOUT_MS, BACKOFF_MS, STEPS] = [15_000, 30_000, 6];

type Subscription = { readonly method: string; readonly params: readonly unknown[]; readonly listener: ProviderInterfaceCallback; on: { readonly wire: Wire; readonly id: SubscriptionId } | undefined };

/**
 * Several nodes of one chain as one that does not fail: whoever does not answer in time, is of another chain or falls
 * behind is left for the next, what was asked is asked again there, and subscriptions go on.
 */
export class Endpoints implements ProviderInterface {
  readonly hasSubscriptions = true;
  readonly isClonable = false;
  readonly #urls: readonly string[];
  readonly #timeoutMs: number;
  readonly #backoffMs: number;
  readonly #jitter: () => number;
  readonly #problems = new Map<string, string>();
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #listeners: { readonly [E in ProviderInterfaceEmitted]: Set<ProviderInterfaceEmitCb> } = { connected: new Set(), disconnected: new Set(), error: new Set() };
  readonly #stop = new AbortController();
  #genesisHash: string | undefined;
  #wire: Wire | undefined;
  #connecting: Promise<Wire> | undefined;
  #next = 0;
  #newest = 0;
  #subscription = 0;

  /** @throws {InvalidInput} */
  constructor({ endpoints, genesisHash, timeoutMs = TIMEOUT_MS, backoffMs = BACKOFF_MS, jitter = Math.random }: EndpointsOptions) {
    if (endpoints.length === 0) throw new InvalidInput('Expected an endpoint of the chain, like wss://…');
    for (const url of endpoints) if (!isEndpoint(url)) throw new InvalidInput(`Expected an endpoint like ws://… or wss://…, got ${url.slice(0, 200)}`);
    this.#urls = [...new Set(endpoints)];
    this.#genesisHash = genesisHash;
    this.#timeoutMs = timeoutMs;
    this.#backoffMs = backoffMs;
    this.#jitter = jitter;
  }

  get isConnected(): boolean {
    return this.#wire !== undefined;
  }

  health(): EndpointHealth[] {
    return this.#urls.map((url) => ({ url, inUse: this.#wire?.url === url, problem: this.#problems.get(url) }));
  }

  /** @throws {ChainUnavailable} when no node answers: it goes on trying until `disconnect` */
  async connect(): Promise<void> {
    await this.#live();
  }

  async disconnect(): Promise<void> {
    this.#stop.abort();
    await this.#connecting?.catch(() => undefined);
    await this.#wire?.close();
  }

  /** Tells of the newest block that the node in use has: others are held against it. */
  heard(block: number): void {
    this.#newest = Math.max(this.#newest, block);
    if (block < this.#newest - MAX_LAG) this.leave(`it is ${this.#newest - block} blocks behind`);
  }

  /** Goes on with the next endpoint. */
  leave(problem: string): void {
    if (!this.#wire) return;
    this.#problems.set(this.#wire.url, problem);
    this.#wire.drop();
  }

  /** @throws {NodeRefused} what the node answers @throws {ChainUnavailable} when no node does */
  async send<T>(method: string, params: unknown[]): Promise<T> {
    const wire = await this.#live();
    try {
      return (await wire.request(method, params)) as T;
    } catch (error) {
      if (!(error instanceof ChainUnavailable)) throw error;
      this.#gone(wire, error.message);
      return (await (await this.#live()).request(method, params)) as T;
    }
  }

  /** One that no node can be asked for just now begins with the next connection: the library stops the process where this fails. */
  async subscribe(_type: string, method: string, params: unknown[], listener: ProviderInterfaceCallback): Promise<number> {
    const id = ++this.#subscription;
    const subscription: Subscription = { method, params, listener, on: undefined };
    this.#subscriptions.set(id, subscription);
    const wire = this.#wire;
    await (wire && this.#open(subscription, wire))?.catch((error: unknown) => {
      if (error instanceof ChainUnavailable) return this.#gone(wire!, error.message);
      this.#subscriptions.delete(id);
      throw error;
    });
    return id;
  }

  async unsubscribe(_type: string, method: string, id: number | string): Promise<boolean> {
    const subscription = this.#subscriptions.get(Number(id));
    this.#subscriptions.delete(Number(id));
    const { on } = subscription ?? {};
    // one that ended with its connection has ended
    if (on?.wire !== this.#wire || on === undefined) return subscription !== undefined;
    return await on.wire.unsubscribe(method, on.id).catch(() => true);
  }

  on(event: ProviderInterfaceEmitted, listener: ProviderInterfaceEmitCb): () => void {
    this.#listeners[event].add(listener);
    return () => void this.#listeners[event].delete(listener);
  }

  clone(): ProviderInterface {
    throw new InvalidInput('Expected one connection to be shared');
  }

  async #live(): Promise<Wire> {
    if (this.#wire) return this.#wire;
    const timeout = new AbortController();
    const late = wait(this.#timeoutMs * 2, undefined, { signal: timeout.signal, ref: false }).then(() => {
      throw new ChainUnavailable(`Expected a node of the chain to answer: ${this.#complaints()}`);
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([this.#reconnect(), late]);
    } finally {
      timeout.abort();
    }
  }

  /** One search at a time, for all who wait. */
  #reconnect(): Promise<Wire> {
    this.#connecting ??= this.#search().finally(() => (this.#connecting = undefined));
    this.#connecting.catch(() => undefined);
    return this.#connecting;
  }

  async #search(): Promise<Wire> {
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      for (const _ of this.#urls) {
        const url = this.#urls[this.#next]!;
        const wire = await this.#greet(url).catch((error: unknown) => void this.#problems.set(url, error instanceof Error ? error.message : String(error)));
        if (wire) return wire;
        this.#next = (this.#next + 1) % this.#urls.length;
        if (this.#stop.signal.aborted) break;
      }
      const longest = this.#backoffMs / 2 ** Math.max(0, STEPS - round);
      await wait(longest * (0.5 + this.#jitter() / 2), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    throw new ChainUnavailable('Expected a connection to the chain, this one was closed');
  }

  /** A connection to a node that is fit to be asked. */
  async #greet(url: string): Promise<Wire | undefined> {
    const wire = await Wire.open({ url, timeoutMs: this.#timeoutMs });
    try {
      await this.#check(wire);
      if (this.#stop.signal.aborted) throw new ChainUnavailable('the connection was closed');
      await Promise.all([...this.#subscriptions.values()].map((subscription) => this.#open(subscription, wire)));
    } catch (error) {
      wire.drop();
      throw error;
    }
    this.#wire = wire;
    this.#problems.delete(url);
    void wire.closed.then((reason) => this.#gone(wire, reason));
    this.#emit('connected');
    return wire;
  }

  async #check(wire: Wire): Promise<void> {
    const [genesis, health, header] = await Promise.all([wire.request('chain_getBlockHash', [0]), wire.request('system_health', []), wire.request('chain_getHeader', [])]);
    this.#genesisHash ??= String(genesis);
    if (genesis !== this.#genesisHash) throw new ChainUnavailable(`it is of another chain: its first block is ${String(genesis).slice(0, 66)}, not ${this.#genesisHash}`);
    const number = Number((header as { number?: string } | null)?.number);
    if (!Number.isSafeInteger(number)) throw new ChainUnavailable('it tells no header');
    if (number < this.#newest - MAX_LAG) throw new ChainUnavailable(`it is ${this.#newest - number} blocks behind`);
    if ((health as { isSyncing?: boolean } | null)?.isSyncing === true && this.#urls.length > 1) throw new ChainUnavailable(`it is still catching up, at block ${number}`);
    this.#newest = Math.max(this.#newest, number);
  }

  async #open(subscription: Subscription, wire: Wire): Promise<void> {
    const { method, params, listener } = subscription;
    const id = await wire.subscribe(method, params, (result) => listener(null, result));
    subscription.on = { wire, id };
  }

  #gone(wire: Wire, reason: string): void {
    if (this.#wire !== wire) return;
    this.#wire = undefined;
    if (!this.#problems.has(wire.url)) this.#problems.set(wire.url, reason);
    wire.drop();
    this.#next = (this.#urls.indexOf(wire.url) + 1) % this.#urls.length;
    this.#emit('disconnected');
    if (!this.#stop.signal.aborted) void this.#reconnect();
  }

  #emit(event: ProviderInterfaceEmitted): void {
    for (const listener of this.#listeners[event]) listener();
  }

  #complaints(): string {
    return this.#urls.map((url) => `${url} (${this.#problems.get(url) ?? 'no answer'})`).join(', ');
  }
}

function isEndpoint(text: string): boolean {
  try {
    return ['ws:', 'wss:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}
