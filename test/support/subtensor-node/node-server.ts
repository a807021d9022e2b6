import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import * as z from 'zod';
import { Faults } from './faults.ts';
import { RpcFailure, invalidParams } from './rpc-failure.ts';
import { answer, methodNames } from './rpc-methods.ts';
import { isUnsubscribe, subscriptionFor, subscriptionNames, type Subscription } from './subscriptions.ts';
import type { Change, WireChain } from './wire-chain.ts';
import { WireView } from './wire-view.ts';

const Request = z.object({ id: z.union([z.number(), z.string()]), method: z.string(), params: z.array(z.unknown()).default([]) });
type Request = z.infer<typeof Request>;

/** One node of a chain: JSON-RPC 2.0 over WebSockets on the loopback, and all that a test can do to it. */
export class SubtensorNode {
  readonly chain: WireChain;
  readonly view: WireView;
  readonly faults = new Faults();
  /** How often each method was called. */
  readonly calls = new Map<string, number>();
  readonly #lines = new Set<Line>();
  #server: WebSocketServer | undefined;
  #port = 0;

  constructor(chain: WireChain) {
    this.chain = chain;
    this.view = new WireView(chain);
  }

  /** The same after each `listen`. */
  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<this> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: this.#port });
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    server.on('connection', (socket) => this.#connect(socket));
    return this;
  }

  /** Cuts all connections; clients may come back at once. */
  dropConnections(): void {
    for (const line of this.#lines) line.cut();
  }

  /** Cuts all connections, and takes no more. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.dropConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  #connect(socket: WebSocket): void {
    const line = new Line(socket, this);
    this.#lines.add(line);
    const stop = this.chain.listen((change) => line.tell(change));
    socket.on('message', (data) => line.receive((data as Buffer).toString()));
    socket.on('error', () => line.cut());
    socket.on('close', () => {
      stop();
      this.#lines.delete(line);
    });
  }
}

/** A node at a chain. */
export const startNode = (chain: WireChain): Promise<SubtensorNode> => new SubtensorNode(chain).listen();

/** One client's connection with its subscriptions. */
class Line {
  readonly #socket: WebSocket;
  readonly #node: SubtensorNode;
  readonly #subscriptions = new Map<string, Subscription>();
  #opened = 0;

  constructor(socket: WebSocket, node: SubtensorNode) {
    this.#socket = socket;
    this.#node = node;
  }

  cut(): void {
    this.#socket.terminate();
  }

  tell(change: Change): void {
    for (const [id, { notice, hear }] of this.#subscriptions) this.#notify(id, notice, hear(change));
  }

  receive(text: string): void {
    const request = requestOf(text);
    if (!request) return this.#send('', { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error' } });
    const { id, method } = request;
    this.#node.calls.set(method, (this.#node.calls.get(method) ?? 0) + 1);
    try {
      this.#answer(request);
    } catch (error) {
      const { code, message, data } = failureOf(error);
      this.#send(method, { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } });
    }
  }

  #answer({ id, method, params }: Request): void {
    const subscription = subscriptionFor(this.#node.view, method, params);
    if (!subscription) return this.#send(method, { jsonrpc: '2.0', id, result: this.#resultOf(method, params) });
    const name = `${this.#node.url.slice(-5)}:${++this.#opened}`;
    this.#subscriptions.set(name, subscription);
    this.#send(method, { jsonrpc: '2.0', id, result: name });
    this.#notify(name, subscription.notice, subscription.first);
  }

  #resultOf(method: string, params: readonly unknown[]): unknown {
    if (method === 'rpc_methods') return { methods: [...methodNames(), ...subscriptionNames(), 'rpc_methods'] };
    return isUnsubscribe(method) ? this.#subscriptions.delete(String(params[0])) : answer(this.#node.view, method, params);
  }

  #notify(subscription: string, method: string, results: readonly unknown[]): void {
    for (const result of results) this.#send(method, { jsonrpc: '2.0', method, params: { subscription, result } });
  }

  #send(method: string, message: object): void {
    this.#node.faults.pass({ method, message, send: (text) => this.#socket.send(text, () => undefined), cut: () => this.cut() });
  }
}

function requestOf(text: string): Request | undefined {
  try {
    return Request.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const INTERNAL = -32603;

/** A fault of the node's own is told, too, rather than left to a time limit. */
function failureOf(error: unknown): RpcFailure {
  if (error instanceof RpcFailure) return error;
  if (error instanceof z.ZodError) return invalidParams(z.prettifyError(error));
  return new RpcFailure(INTERNAL, 'Internal error', error instanceof Error ? error.stack : String(error));
}
