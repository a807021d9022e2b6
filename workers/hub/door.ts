import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { HubAction } from '../../genki/protocol/hub.ts';
import { HUB_REQUEST } from '../../genki/protocol/hub-request.ts';
import { clientAddress } from './client-address.ts';
import { limitConnections } from './connection-limit.ts';
import { Counter, type CounterDeps, type CounterLimits } from './counter.ts';
import { readBody } from './read-body.ts';
import { plainly, refused, refusedUntil, type Reply } from './reply.ts';
import { TokenBuckets, type Rate } from './token-buckets.ts';

export type DoorLimits = CounterLimits & {
  /** Of one address. */
  readonly address: Rate;
  /** At a time; one more is closed at once. */
  readonly connections: number;
  /** Where no proxy has them all. */
  readonly connectionsPerAddress: number;
  /** For a request to arrive whole. */
  readonly requestMs: number;
  /** For a connection on which nothing moves. */
  readonly idleMs: number;
  /** For what is being answered when the door closes. */
  readonly drainMs: number;
};

/**
 * A miner that waits asks every few seconds, and fifty of them may share an address. A signature takes some five
 * milliseconds to check and two to make: what one address may ask is a third of a core.
 */
export const DOOR_LIMITS: DoorLimits = Object.freeze({
  hotkey: Object.freeze({ burst: 20, perSecond: 2 }),
  nonces: Object.freeze({ perOwner: 256, inAll: 65_536 }),
  deskMs: 5_000,
  atOnce: 64,
  address: Object.freeze({ burst: 200, perSecond: 40 }),
  connections: 512,
  connectionsPerAddress: 128,
  requestMs: 10_000,
  idleMs: 20_000,
  drainMs: 5_000,
});

export type DoorOptions = {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** How many of our own stand before it. */
  readonly proxies: number;
  readonly limits?: Partial<DoorLimits>;
};
export type Door = { readonly url: string; /** answers what has come in, takes nothing more */ close(): Promise<void> };

const MAX_ADDRESSES = 16_384;
const MAX_HEADER_BYTES = 8 * 2 ** 10;
const MAX_HEADERS = 64;
const REQUESTS_A_CONNECTION = 1000;

const POSTS: ReadonlyMap<string, HubAction> = new Map([
  ['/v1/lease/request', 'request'],
  ['/v1/lease/renew', 'renew'],
  ['/v1/lease/release', 'release'],
  ['/v1/lease/push', 'push'],
  ['/v1/lease/status', 'status'],
  ['/v1/current', 'current'],
]);
const HEALTH = '/v1/health';
const CURRENT = '/v1/current';

/** The hub's door: HTTP for strangers, on one address and port. */
export async function openDoor(deps: CounterDeps, options: DoorOptions): Promise<Door> {
  const limits = { ...DOOR_LIMITS, ...options.limits };
  const server = createServer({
    requestTimeout: limits.requestMs,
    headersTimeout: limits.requestMs / 2,
    connectionsCheckingInterval: limits.requestMs / 10,
    keepAliveTimeout: limits.requestMs / 2,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  server.maxConnections = limits.connections;
  server.maxHeadersCount = MAX_HEADERS;
  server.maxRequestsPerSocket = REQUESTS_A_CONNECTION;
  server.setTimeout(limits.idleMs);
  server.on('clientError', refuseMalformed);
  if (options.proxies === 0) limitConnections(server, limits.connectionsPerAddress);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, () => {
      // only now is it certain that no other door is open here, and may take what this one would take again
      const visitors = new Visitors(new Counter(deps, limits), { deps, options, limits });
      server.on('request', (request, response) => void visitors.serve(request, response));
      resolve();
    });
  });
  const { address, family, port } = server.address() as AddressInfo;
  return { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`, close: () => drained(server, limits.drainMs) };
}

/** Lets in who may ask, and shows them to the counter. */
class Visitors {
  readonly #counter: Counter;
  readonly #deps: CounterDeps;
  readonly #proxies: number;
  readonly #addresses: TokenBuckets;

  constructor(counter: Counter, { deps, options, limits }: { deps: CounterDeps; options: DoorOptions; limits: DoorLimits }) {
    this.#counter = counter;
    this.#deps = deps;
    this.#proxies = options.proxies;
    this.#addresses = new TokenBuckets(limits.address, MAX_ADDRESSES);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      send(response, await this.#replyTo(request), { isRead: request.complete });
    } catch {
      response.destroy();
    }
  }

  async #replyTo(request: IncomingMessage): Promise<Reply> {
    const { method = '', url = '/', headers, socket } = request;
    const waitMs = this.#addresses.take(clientAddress(socket.remoteAddress ?? '', headers, this.#proxies), (this.#deps.elapsed ?? this.#deps.now)());
    if (waitMs > 0) return refusedUntil('TooManyRequests', 'Expected fewer requests from one address, got too many', waitMs);
    const [path = '', query = ''] = url.split('?', 2);
    const action = POSTS.get(path);
    if (method === 'GET' && path === HEALTH) return this.#health();
    if (method === 'GET' && path === CURRENT) return await this.#counter.current(new URLSearchParams(query).get('adapter') ?? '');
    if (path === HEALTH) return refused('MethodNotAllowed', `Expected GET, got ${method}`, { allow: 'GET' });
    if (!action) return refused('NotFound', `Expected one of ${[...POSTS.keys(), HEALTH].join(', ')}, got another path`);
    if (method !== 'POST') return refused('MethodNotAllowed', `Expected POST, got ${method}`, { allow: path === CURRENT ? 'GET, POST' : 'POST' });
    if (!isPlainJson(request)) return refused('UnsupportedMediaType', 'Expected content-type application/json and no content-encoding, got another');
    const body = await readBody(request, HUB_REQUEST.maxBytes);
    if (body === undefined) return refused('TooLarge', `Expected a body of at most ${HUB_REQUEST.maxBytes} bytes, got more`);
    return await this.#counter.answer(action, body);
  }

  #health(): Reply {
    const { signer, adapters, now } = this.#deps;
    return plainly({ hub: signer.hotkey, adapters: [...adapters], now: now() });
  }
}

const isPlainJson = ({ headers }: IncomingMessage): boolean =>
  /^application\/json *(; *charset=utf-8 *)?$/i.test(headers['content-type'] ?? '') && (headers['content-encoding'] ?? 'identity') === 'identity';

function send(response: ServerResponse, { status, body, headers }: Reply, { isRead }: { isRead: boolean }): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.byteLength,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // what is left of a body is not read to its end
    ...(!isRead && { connection: 'close' }),
    ...headers,
  });
  response.end(body);
}

/** Before there is a request to reply to. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const { status, body } = malformed(error.code);
  socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.byteLength}\r\n\r\n${new TextDecoder().decode(body)}`);
}

function malformed(code: string | undefined): Reply {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refused('RequestTimeout', 'Expected a whole request in time, got a part of one');
  if (code === 'HPE_HEADER_OVERFLOW') return refused('HeadersTooLarge', `Expected at most ${MAX_HEADER_BYTES} bytes of headers, got more`);
  return refused('InvalidInput', 'Expected HTTP/1.1, got something else');
}

function drained(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), drainMs);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
