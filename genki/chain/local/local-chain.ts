import * as z from 'zod';
import { ChainUnavailable, ExtrinsicRefused, InvalidInput } from '../../errors.ts';
import type { Chain } from '../chain.ts';
import { PERIOD, signExtrinsic } from './extrinsic.ts';
import { RpcError, rpcMethods, type RpcMethod, type RpcParams, type RpcResult } from './rpc-methods.ts';

export type LocalChainOptions = {
  /** As the node's `ready` line gives it. */
  readonly url: string;
  /** For one request; 10 s unless told. */
  readonly timeoutMs?: number;
};

/**
 * The chain of a local node.
 *
 * Every method throws {ChainUnavailable} when the node does not answer in time, or not as it should, and
 * {InvalidInput} when it is asked for something that can never be right.
 */
export function createLocalChain({ url, timeoutMs = 10_000 }: LocalChainOptions): Chain {
  let closed = false;
  const call = async <M extends RpcMethod>(method: M, params: RpcParams<M>): Promise<RpcResult<M>> => {
    if (closed) throw new ChainUnavailable('Expected an open chain, got one that was closed');
    return resultOf(method, await post(url, { jsonrpc: '2.0', id: 1, method, params }, AbortSignal.timeout(timeoutMs)));
  };
  return {
    head: () => call('chain_head', {}),
    blockHash: (number) => call('chain_blockHash', { number }),
    metagraph: (netuid, at) => call('chain_metagraph', { netuid, at }),
    commitments: (netuid, at) => call('chain_commitments', { netuid, at }),
    weights: (netuid, at) => call('chain_weights', { netuid, at }),
    async prepare(extrinsic, signer) {
      const { nonce, born, ...context } = await call('chain_signing', { signer: signer.hotkey });
      const draft = { call: extrinsic, nonce, bornAt: born.number, period: PERIOD.max };
      return signExtrinsic(draft, { ...context, birthHash: born.hash }, signer);
    },
    async broadcast({ hex }) {
      await call('chain_submit', { hex });
    },
    landing: ({ hash, signer, nonce, diesAt }) => call('chain_landing', { hash, signer, nonce, diesAt }),
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
