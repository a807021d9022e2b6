import type { BlockRef } from '../chain.ts';
import { createRpcClient, type RpcClientOptions } from './rpc-client.ts';

/** What a local node that was started with `--dev` does on demand. */
export interface DevChain {
  /** @returns the last block made */
  produceBlocks(count: number): Promise<BlockRef>;
  /** Drops the newest blocks: their extrinsics wait again. @returns the best one left @throws {InvalidInput} when a final one would be dropped */
  reorganise(depth: number): Promise<BlockRef>;
  /** Has the node forget all that waits. @returns how many that were */
  dropPool(): Promise<number>;
  /** Has the node acknowledge the next extrinsic, and forget it. */
  dropNext(): Promise<void>;
  close(): Promise<void>;
}

/** The controls of a local node; every method throws {ChainUnavailable} where they are not offered. */
export function createDevChain(options: RpcClientOptions): DevChain {
  const { call, close } = createRpcClient(options);
  return {
    produceBlocks: (count) => call('dev_produceBlock', { count }),
    reorganise: (depth) => call('dev_reorganise', { depth }),
    dropPool: () => call('dev_dropPool', {}),
    async dropNext() {
      await call('dev_dropNext', {});
    },
    close,
  };
}
