import { setTimeout as wait } from 'node:timers/promises';
import type { Chain } from '../chain.ts';
import { PERIOD, signExtrinsic } from './extrinsic.ts';
import { createRpcClient, type RpcClientOptions } from './rpc-client.ts';

export type LocalChainOptions = RpcClientOptions;

/** The node is on this machine, and its blocks may come every few milliseconds. */
const POLL_MS = 50;

/**
 * The chain of a local node.
 *
 * Every method throws {ChainUnavailable} when the node does not answer in time, or not as it should, and
 * {InvalidInput} when it is asked for something that can never be right.
 */
export function createLocalChain(options: LocalChainOptions): Chain {
  const { call, close } = createRpcClient(options);
  return {
    head: () => call('chain_head', {}),
    async headAfter(number, signal) {
      for (;;) {
        const head = await call('chain_head', {});
        if (head.number > number) return head;
        await wait(POLL_MS, undefined, { signal });
      }
    },
    blockHash: (number) => call('chain_blockHash', { number }),
    metagraph: (netuid, at) => call('chain_metagraph', { netuid, at }),
    commitments: (netuid, at) => call('chain_commitments', { netuid, at }),
    weights: (netuid, at) => call('chain_weights', { netuid, at }),
    weightCommits: (netuid, at) => call('chain_weightCommits', { netuid, at }),
    hyperparameters: (netuid, at) => call('chain_hyperparameters', { netuid, at }),
    epochInput: (netuid, at) => call('chain_epochInput', { netuid, at }),
    balance: (account, at) => call('chain_balance', { account, at }),
    beacon: async (at) => (await call('chain_beacon', { at })) ?? undefined,
    async prepare(extrinsic, signer) {
      const { nonce, born, ...context } = await call('chain_signing', { signer: signer.hotkey });
      const draft = { call: extrinsic, nonce, bornAt: born.number, period: PERIOD.max };
      return signExtrinsic(draft, { ...context, birthHash: born.hash }, signer);
    },
    async broadcast({ hex }) {
      await call('chain_submit', { hex });
    },
    landing: ({ hash, signer, nonce, diesAt }) => call('chain_landing', { hash, signer, nonce, diesAt }),
    close,
  };
}
