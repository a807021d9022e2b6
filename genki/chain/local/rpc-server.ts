import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';
import { ChainUnavailable, ExtrinsicRefused, InvalidInput } from '../../errors.ts';
import type { LocalNode } from './node.ts';
import { rpcMethods, type RpcMethod, type RpcParams, type RpcResult } from './rpc-methods.ts';

const MAX_BODY_BYTES = 256 * 1024;

const Request = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string().max(128), z.int(), z.null()]),
  method: z.string().max(64),
  params: z.unknown().optional(),
});

type Handlers = { readonly [M in RpcMethod]: (node: LocalNode, params: RpcParams<M>) => RpcResult<M> };

const handlers: Handlers = {
  chain_head: (node) => node.head(),
  chain_blockHash: (node, { number }) => node.blockHash(number),
  chain_metagraph: (node, { netuid, at }) => node.metagraph(netuid, at),
  chain_commitments: (node, { netuid, at }) => node.commitments(netuid, at),
  chain_weights: (node, { netuid, at }) => node.weights(netuid, at),
  chain_signing: (node, { signer }) => node.signing(signer),
  chain_submit: (node, { hex }) => (node.submit(hex), null),
  chain_landing: (node, extrinsic) => node.landing(extrinsic),
};

/** A failure that JSON-RPC itself names. */
class RpcFailure extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export type RpcServer = { readonly url: string; close(): Promise<void> };

/**
 * Serves a node's JSON-RPC 2.0 over HTTP POST on the loopback only.
 *
 * @param port 0 for any free one
 */
export async function serveRpc(node: LocalNode, port: number): Promise<RpcServer> {
  const server = createServer((request, response) => void respond(node, request, response));
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const { port: bound } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${bound}`, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}

async function respond(node: LocalNode, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refusal = refusalOf(request);
  if (refusal) {
    response.writeHead(refusal).end();
    return;
  }
  const body = await bodyOf(request).catch(() => undefined);
  if (body === undefined) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(node, body)));
}

/** A web page may reach the loopback too: JSON keeps simple cross-site requests out, the host check renamed hosts. */
function refusalOf({ method, headers }: IncomingMessage): number | undefined {
  if (method !== 'POST') return 405;
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '')) return 403;
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return 415;
  return undefined;
}

/** The whole body, or undefined when it is longer than the limit. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function answer(node: LocalNode, body: string): unknown {
  let id: unknown = null;
  try {
    const request = validated(Request, jsonOf(body), -32600);
    id = request.id;
    return { jsonrpc: '2.0', id, result: call(node, request.method, request.params) };
  } catch (error) {
    return { jsonrpc: '2.0', id, error: errorOf(error) };
  }
}

function call(node: LocalNode, method: string, params: unknown): unknown {
  if (!Object.hasOwn(rpcMethods, method)) throw new RpcFailure(-32601, `Expected one of ${Object.keys(rpcMethods).join(', ')}`);
  const name = method as RpcMethod;
  const handle = handlers[name] as (node: LocalNode, params: unknown) => unknown;
  const schema: z.ZodType = rpcMethods[name].params;
  return handle(node, validated(schema, params ?? {}, -32602));
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new RpcFailure(-32700, 'Expected a JSON body');
  }
}

function validated<T>(schema: z.ZodType<T>, value: unknown, code: number): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new RpcFailure(code, z.prettifyError(result.error));
  return result.data;
}

function errorOf(error: unknown): unknown {
  if (error instanceof RpcFailure) return { code: error.code, message: error.message };
  if (error instanceof ExtrinsicRefused) return { code: 1010, message: error.message, data: { name: error.name, code: error.code } };
  if (error instanceof InvalidInput || error instanceof ChainUnavailable) return { code: -32000, message: error.message, data: { name: error.name } };
  return { code: -32603, message: error instanceof Error ? error.message : 'Unknown error' };
}
