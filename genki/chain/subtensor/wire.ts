import { WebSocket } from 'ws';
import * as z from 'zod';
import { ChainUnavailable } from '../../errors.ts';

/** Mainnet's metadata has 0.3 MiB, a full block 5; whatever is longer is no answer of a chain. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;

const Id = z.union([z.string(), z.number()]);
const Failure = z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() });
const Answer = z.object({ id: z.number(), result: z.unknown().optional(), error: Failure.optional() });
const Notice = z.object({ method: z.string(), params: z.object({ subscription: Id, result: z.unknown() }) });
const Message = z.union([Answer, Notice]);

/** What a node answers to a question that it understood and does not grant, as JSON-RPC 2.0 has it. */
export class NodeRefused extends Error {
  override readonly name = 'NodeRefused';
  readonly code: number;
  /** Most nodes give the reason here. */
  readonly data: string;
  constructor({ code, message, data }: z.infer<typeof Failure>) {
    super(message);
    this.code = code;
    this.data = typeof data === 'string' ? data : data === undefined ? '' : JSON.stringify(data);
  }
}

export type SubscriptionId = z.infer<typeof Id>;
export type WireOptions = { readonly url: string; /** for the connection and for each answer */ readonly timeoutMs: number };

type Waiting = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void; readonly timer: NodeJS.Timeout };

/**
 * One connection to a node: JSON-RPC 2.0 over a WebSocket. What is no message is passed over, and an answer counts once;
 * whoever gets none in time hears {ChainUnavailable}.
 */
export class Wire {
  readonly url: string;
  /** Resolves with the reason, once, whoever ended it. */
  readonly closed: Promise<string>;
  readonly #socket: WebSocket;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<SubscriptionId, (result: unknown) => void>();
  /** Notices that came before the answer which names their subscription. */
  readonly #early = new Map<SubscriptionId, unknown>();
  #opening = 0;
  #id = 0;

  /** @throws {ChainUnavailable} */
  static async open({ url, timeoutMs }: WireOptions): Promise<Wire> {
    const socket = new WebSocket(url, { handshakeTimeout: timeoutMs, maxPayload: MAX_ANSWER_BYTES, perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', (cause) => reject(new ChainUnavailable(`${url}: ${cause.message}`, { cause })));
    });
    return new Wire(socket, { url, timeoutMs });
  }

  private constructor(socket: WebSocket, { url, timeoutMs }: WireOptions) {
    this.url = url;
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('message', (data: Buffer) => this.#hear(data.toString()));
    this.closed = new Promise((resolve) => {
      let reason = '';
      socket.on('error', ({ message }) => void (reason = message));
      socket.once('close', (code) => {
        reason ||= `the connection ended (${code})`;
        for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new ChainUnavailable(`${url}: ${reason}`));
        resolve(reason);
      });
    });
  }

  /** @throws {NodeRefused} what the node answers @throws {ChainUnavailable} when it does not */
  request(method: string, params: readonly unknown[]): Promise<unknown> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(new ChainUnavailable(`${this.url}: no answer to ${method} within ${this.#timeoutMs} ms`)), this.#timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }), (error) => {
        if (error) this.#settle(id)?.reject(new ChainUnavailable(`${this.url}: ${error.message}`, { cause: error }));
      });
    });
  }

  /** Tells `listener` of everything that comes under the subscription, until `unsubscribe` or the end of the connection. */
  async subscribe(method: string, params: readonly unknown[], listener: (result: unknown) => void): Promise<SubscriptionId> {
    this.#opening++;
    try {
      const id = Id.safeParse(await this.request(method, params));
      if (!id.success) throw new ChainUnavailable(`${this.url}: expected the name of a subscription from ${method}`);
      this.#listeners.set(id.data, listener);
      if (this.#early.has(id.data)) listener(this.#early.get(id.data));
      return id.data;
    } finally {
      if (--this.#opening === 0) this.#early.clear();
    }
  }

  async unsubscribe(method: string, id: SubscriptionId): Promise<boolean> {
    this.#listeners.delete(id);
    return (await this.request(method, [id])) === true;
  }

  /** Waits for the end; a node that does not say goodbye is left. */
  async close(): Promise<void> {
    this.#socket.close(1000);
    const timer = setTimeout(() => this.#socket.terminate(), 1000);
    await this.closed;
    clearTimeout(timer);
  }

  /** At once, as of a node that does not answer any more. */
  drop(): void {
    this.#socket.terminate();
  }

  #hear(text: string): void {
    const message = Message.safeParse(parsed(text));
    if (!message.success) return;
    if ('id' in message.data) {
      const { id, error, result } = message.data;
      const waiting = this.#settle(id);
      if (error) waiting?.reject(new NodeRefused(error));
      else waiting?.resolve(result);
      return;
    }
    const { subscription, result } = message.data.params;
    const listener = this.#listeners.get(subscription);
    if (listener) listener(result);
    else if (this.#opening > 0) this.#early.set(subscription, result);
  }

  /** Who waits for that answer, once. */
  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
