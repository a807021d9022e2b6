import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export type Asked = { readonly method: string; readonly url: URL; readonly headers: IncomingMessage['headers'] };

/** What happens to one request instead of its answer. */
export type Fault =
  /** Refused, and never forwarded. */
  | { readonly kind: 'status'; readonly status: number; readonly code?: string }
  /** The connection ends before anything is forwarded. */
  | { readonly kind: 'reset' }
  /** Forwarded and done; the answer is never heard. */
  | { readonly kind: 'lose answer' }
  /** The connection ends after so many bytes of the body; what `first` does is done by then. */
  | { readonly kind: 'cut'; readonly bytes: number; readonly first?: () => Promise<void> }
  /** The answer announces another length than its body has. */
  | { readonly kind: 'announce'; readonly bytes: number }
  /** The body goes on for ever; without a length, or with this one. */
  | { readonly kind: 'endless'; readonly announce?: number }
  /** So many bytes of the body, then silence. */
  | { readonly kind: 'silence'; readonly bytes: number }
  /** So many bytes of the body at a time, and a pause. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** The bytes of the body, changed. */
  | { readonly kind: 'corrupt' }
  /** An answer that is not S3's. */
  | { readonly kind: 'garbage' };

/** Asked before each request. */
export type Plan = (asked: Asked) => Fault | undefined;

/** Stands before an S3 server and spoils what `plan` says. */
export class FaultProxy {
  readonly #server: Server;
  readonly #upstream: URL;
  readonly #sockets = new Set<Socket>();
  /** All that was asked. */
  readonly asked: Asked[] = [];
  plan: Plan = () => undefined;

  private constructor(upstream: string) {
    this.#upstream = new URL(upstream);
    this.#server = createServer((request, response) => void this.#serve(request, response).catch(() => response.destroy()));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(upstream: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstream);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Nothing was asked, and nothing is spoiled. */
  reset(): void {
    this.asked.length = 0;
    this.plan = () => undefined;
  }

  count(method: string): number {
    return this.asked.filter((asked) => asked.method === method).length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked: Asked = { method: request.method ?? '', url: new URL(request.url ?? '/', this.endpoint), headers: request.headers };
    this.asked.push(asked);
    const fault = this.plan(asked);
    const socket = request.socket;
    if (fault?.kind === 'reset') return void socket.resetAndDestroy();
    if (fault?.kind === 'status') return refuse(request, response, fault);
    if (fault?.kind === 'garbage') return void request.resume().once('end', () => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome to the Wi-Fi'));
    const answer = await this.#forward(request);
    const body = await bodyOf(answer);
    if (!fault) return void response.writeHead(answer.statusCode!, answer.rawHeaders).end(body);
    if (fault.kind === 'lose answer') return void socket.resetAndDestroy();
    await spoil(socket, answer, { body, fault });
  }

  async #forward(request: IncomingMessage): Promise<IncomingMessage> {
    const { hostname, port } = this.#upstream;
    const { expect: _, ...headers } = request.headers; // the signature covers the client's own host
    const out = forward({ hostname, port, method: request.method, path: request.url, headers, agent: false });
    const answered = once(out, 'response') as Promise<[IncomingMessage]>;
    out.on('error', () => undefined); // a server may answer before it has read all, and close
    request.pipe(out);
    return (await answered)[0];
  }
}

/** For the first `n` requests that `matches`. */
export function times(n: number, fault: Fault, matches: (asked: Asked) => boolean = () => true): Plan {
  let left = n;
  return (asked) => (matches(asked) && left-- > 0 ? fault : undefined);
}

function refuse(request: IncomingMessage, response: ServerResponse, { status, code = 'SlowDown' }: Fault & { kind: 'status' }): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as the test says</Message></Error>`;
  request.resume().once('end', () => response.writeHead(status, { 'content-type': 'application/xml' }).end(request.method === 'HEAD' ? '' : body));
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function spoil(socket: Socket, answer: IncomingMessage, { body, fault }: { body: Buffer; fault: Fault }): Promise<void> {
  const write = async (bytes: Uint8Array | string): Promise<void> => {
    if (!socket.destroyed && !socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  };
  const head = (length: number | undefined): string => {
    const lines = [`HTTP/1.1 ${answer.statusCode} x`];
    for (let i = 0; i < answer.rawHeaders.length; i += 2) if (!/^(content-length|connection|transfer-encoding)$/i.test(answer.rawHeaders[i]!)) lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`);
    lines.push(length === undefined ? 'transfer-encoding: chunked' : `content-length: ${length}`);
    return `${lines.join('\r\n')}\r\n\r\n`;
  };
  switch (fault.kind) {
    case 'cut':
      await write(head(body.length));
      await write(body.subarray(0, fault.bytes));
      await fault.first?.();
      socket.end();
      return;
    case 'announce':
      await write(head(fault.bytes));
      await write(body);
      socket.end();
      return;
    case 'corrupt':
      await write(head(body.length));
      await write(body.map((byte) => byte ^ 1));
      socket.end();
      return;
    case 'silence':
      await write(head(body.length));
      await write(body.subarray(0, fault.bytes));
      return;
    case 'drip':
      await write(head(body.length));
      for (let at = 0; at < body.length && !socket.destroyed; at += fault.bytes) {
        await write(body.subarray(at, at + fault.bytes));
        await wait(fault.everyMs);
      }
      socket.end();
      return;
    case 'endless': {
      const zeros = Buffer.alloc(1 << 16);
      await write(head(fault.announce));
      while (!socket.destroyed) await write(fault.announce === undefined ? Buffer.concat([Buffer.from(`${zeros.length.toString(16)}\r\n`), zeros, Buffer.from('\r\n')]) : zeros);
      return;
    }
    default:
      throw new Error(`Expected a fault of the answer, got ${fault.kind}`);
  }
}
