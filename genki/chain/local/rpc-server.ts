import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';
import { ChainUnavailable, ExtrinsicRefused, InvalidInput } from '../../errors.ts';
import type { BlockRef } from '../chain.ts';
import type { LocalNode } from './node.ts';
import { isDevMethod, rpcMethods, type RpcMethod, type RpcParams, type RpcResult } from './rpc-methods.ts';

const MAX_BODY_BYTES = 256 * 1024;
/** For a connection on which nothing moves, a reader that does not read among them. */
const IDLE_MS = 30_000;

const Request = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string().max(128), z.int(), z.null()]),
  method: z.string().max(64),
  params: z.unknown().optional(),
});

type Handlers = { readonly [M in RpcMethod]: (node: LocalNode, params: RpcParams<M>) => RpcResult<M> | Promise<RpcResult<M>> };

const handlers: Handlers = {
  chain_head: (node) => node.head(),
  chain_blockHash: (node, { number }) => node.blockHash(number),
  chain_metagraph: (node, { netuid, at }) => node.metagraph(netuid, at),
  chain_commitments: (node, { netuid, at }) => node.commitments(netuid, at),
  chain_weights: (node, { netuid, at }) => node.weights(netuid, at),
  chain_weightCommits: (node, { netuid, at }) => node.weightCommits(netuid, at),
  chain_hyperparameters: (node, { netuid, at }) => node.hyperparameters(netuid, at),
  chain_epochInput: (node, { netuid, at }) => node.epochInput(netuid, at),
  chain_balance: (node, { account, at }) => node.balance(account, at),
  chain_beacon: (node, { at }) => node.beacon(at) ?? null,
  chain_signing: (node, { signer }) => node.signing(signer),
  chain_submit: (node, { hex }) => (node.submit(hex), null),
  chain_landing: (node, extrinsic) => node.landing(extrinsic),
  dev_produceBlock: (node, { count }) => produceBlocks(node, count),
  dev_reorganise: (node, { depth }) => node.reorganise(depth),
  dev_dropPool: (node) => node.dropPool(),
  dev_dropNext: (node) => (node.dropNext(), null),
};

async function produceBlocks(node: LocalNode, count: number): Promise<BlockRef> {
  for (let i = 1; i < count; i++) await node.produceBlock();
  return node.produceBlock();
}

/** A failure that JSON-RPC itself names. */
class RpcFailure extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export type RpcServer = { readonly url: string; close(): Promise<void> };

export type RpcOptions = {
  /** Offers the methods that only tests may call. */
  readonly dev?: boolean;
  /** At a time; one more is closed at once. 512 unless told. */
  readonly maxConnections?: number;
  /** For a request to arrive whole; 10 s unless told. */
  readonly requestMs?: number;
};

/**
 * Serves a node's JSON-RPC 2.0 over HTTP POST on the loopback only.
 *
 * @param port 0 for any free one
 */
export async function serveRpc(node: LocalNode, port: number, { dev = false, maxConnections = 512, requestMs = 10_000 }: RpcOptions = {}): Promise<RpcServer> {
  const methods = Object.keys(rpcMethods).filter((method) => dev || !isDevMethod(method));
  const server = createServer({ requestTimeout: requestMs, headersTimeout: requestMs, connectionsCheckingInterval: requestMs / 10 }, (request, response) => {
    respond(node, methods, { request, response }).catch(() => response.destroy());
  });
  server.maxConnections = maxConnections;
  server.setTimeout(IDLE_MS);
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

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

async function respond(node: LocalNode, methods: readonly string[], { request, response }: Exchange): Promise<void> {
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
  response.writeHead(200, { 'content-type': 'application/json' }).end(jsonText(await answer(node, methods, body)));
}

/** Amounts travel as decimal text: JSON has no integers as large. */
const jsonText = (value: unknown): string => JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));

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

async function answer(node: LocalNode, methods: readonly string[], body: string): Promise<unknown> {
  let id: unknown = null;
  try {
    const json = jsonOf(body);
    if (Array.isArray(json)) throw new RpcFailure(-32600, 'Expected one request, got a batch');
    const request = validated(Request, json, -32600);
    id = request.id;
    if (!methods.includes(request.method)) throw new RpcFailure(-32601, `Expected a method of ${methods.join(', ')}, got ${request.method}`);
    return { jsonrpc: '2.0', id, result: await call(node, request.method as RpcMethod, request.params) };
  } catch (error) {
    return { jsonrpc: '2.0', id, error: errorOf(error) };
  }
}

function call(node: LocalNode, method: RpcMethod, params: unknown): unknown {
  const handle = handlers[method] as (node: LocalNode, params: unknown) => unknown;
  const schema: z.ZodType = rpcMethods[method].params;
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
