import type { Chain } from '../../../genki/chain/chain.ts';
import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import { secret } from '../../genki/chain/support.ts';
import { LEGACY } from '../../support/subtensor-node/metadata.ts';
import { startNode } from '../../support/subtensor-node/node-server.ts';
import { WireChain } from '../../support/subtensor-node/wire-chain.ts';
import { wireRuntime, type RuntimeOptions } from '../../support/subtensor-node/wire-runtime.ts';
import { conformanceGenesis, conformanceRoles } from './local-network.ts';
import type { ConformanceNetwork, CreateNetwork } from './network.ts';

/** Of mainnet today, and of the runtimes before epochs were counted. */
const RUNTIMES: Readonly<Record<Genesis['schedule'], RuntimeOptions>> = { stateful: {}, stateless: { ...LEGACY, specVersion: 393 } };

/**
 * Chains that speak the wire format of a subtensor node, whose blocks come when the suite waits for them.
 *
 * @param connect a client of the node at that address
 */
export const wireNetworks = (schedule: Genesis['schedule'], connect: (url: string) => Promise<Chain>): CreateNetwork => async (rules): Promise<ConformanceNetwork> => {
  const wire = new WireChain({ genesis: conformanceGenesis(rules, schedule), secret, runtime: wireRuntime(RUNTIMES[schedule]) });
  const node = await startNode(wire);
  const chain = await connect(node.url);
  return {
    chain,
    netuid: wire.genesis.netuid,
    roles: conformanceRoles,
    waitBlocks: async (count) => void wire.produceBlocks(count),
    // a pulse in each block, whose round is the block's number
    ...(rules.beacon ? { roundIn: async (blocks: number) => wire.best.header.number + blocks } : {}),
    reorganise: async (depth) => void wire.reorganise(depth),
    bestHash: async () => wire.best.hash,
    async stop() {
      await chain.close();
      await node.close();
    },
  };
};
