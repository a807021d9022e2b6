import * as z from 'zod';
import { ChainUnavailable, ExtrinsicRefused, InvalidInput } from '../../errors.ts';
import { RpcError, rpcMethods, type RpcMethod, type RpcParams, type RpcResult } from './rpc-methods.ts';

export type RpcClientOptions = {
  /** As the node's `ready` line gives it. */
  readonly url: string;
  /** For one request; 10 s unless told. */
  readonly timeoutMs?: number;
};

export type RpcClient = {
  readonly call: <M extends RpcMethod>(method: M, params: RpcParams<M>) => Promise<RpcResult<M>>;
  readonly close: () => Promise<void>;
};

/** Calls methods of a local node; one that fails throws the error of the closed list that it named. */
export function createRpcClient({ url, timeoutMs = 10_000 }: RpcClientOptions): RpcClient {
  let closed = false;
  return {
    async call(method, params) {
      if (closed) throw new ChainUnavailable('Expected an open chain, got one that was closed');
      return resultOf(method, await post(url, { jsonrpc: '2.0', id: 1, method, params }, AbortSignal.timeout(timeoutMs)));
    },
    async close() {
      closed = true;
    },
  };
}

const Response = z.union([
  z.object({ jsonrpc: z.literal('2.0'), id: z.unknown(), result: z.unknown() }).refine((r) => 'result' in r && !('error' in r)),
  z.object({ jsonrpc: z.literal('2.0'), id: z.unknown(), error: RpcError }),
]);

async function post(url: string, request: unknown, signal: AbortSignal): Promise<z.infer<typeof Response>> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      redirect: 'error',
      signal,
    });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return Response.parse(await response.json());
  } catch (error) {
    throw new ChainUnavailable(`Expected an answer from the chain at ${url}, got ${reasonOf(error)}`, { cause: error });
  }
}

function resultOf<M extends RpcMethod>(method: M, response: z.infer<typeof Response>): RpcResult<M> {
  if ('error' in response) throw errorOf(response.error);
  const result = rpcMethods[method].result.safeParse(response.result);
  if (!result.success) throw new ChainUnavailable(`Expected a result of ${method}: ${z.prettifyError(result.error)}`);
  return result.data as RpcResult<M>;
}

const INVALID_PARAMS = -32602;

function errorOf({ code, message, data }: z.infer<typeof RpcError>): Error {
  // the message already starts with the code, which the constructor puts there again
  if (data?.name === 'ExtrinsicRefused' && data.code) return new ExtrinsicRefused(data.code, message.replace(`${data.code}: `, ''));
  if (data?.name === 'InvalidInput' || code === INVALID_PARAMS) return new InvalidInput(message);
  return new ChainUnavailable(message);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
