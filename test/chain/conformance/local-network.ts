import type { Signer } from '../../../genki/chain/chain.ts';
import { createSigner } from '../../../genki/chain/keys.ts';
import { authorBeacon } from '../../../genki/chain/local/block.ts';
import { createDevChain } from '../../../genki/chain/local/dev-chain.ts';
import { defaultGenesis, type Genesis } from '../../../genki/chain/local/genesis.ts';
import type { Disk } from '../../../genki/chain/local/journal.ts';
import { createLocalChain } from '../../../genki/chain/local/local-chain.ts';
import { openNode } from '../../../genki/chain/local/node.ts';
import { serveRpc } from '../../../genki/chain/local/rpc-server.ts';
import { secret, temporaryFolder } from '../../genki/chain/support.ts';
import type { ConformanceNetwork, CreateNetwork, Roles, Rules } from './network.ts';

/** Who is who in the networks of the tests. */
export const conformanceRoles: Roles = {
  owner: createSigner('//owner'),
  validators: [createSigner('//validator-1'), createSigner('//validator-2')],
  unpermitted: createSigner('//unpermitted'),
  miners: [createSigner('//miner-1'), createSigner('//miner-2'), createSigner('//miner-3')],
  stranger: createSigner('//stranger'),
  newcomers: [createSigner('//newcomer-1'), createSigner('//newcomer-2')],
};

/** Block 0 of a chain with those rules and roles. */
export function conformanceGenesis(rules: Rules, schedule: Genesis['schedule']): Genesis {
  const { tempo, weightsRateLimit, versionKey, minAllowedWeights } = rules;
  const neuron = ({ hotkey }: Signer, stake: string, validatorPermit: boolean): Genesis['neurons'][number] => ({ hotkey, coldkey: conformanceRoles.owner.hotkey, stake, validatorPermit });
  const neurons = [...conformanceRoles.validators.map((who) => neuron(who, '5000000000', true)), neuron(conformanceRoles.unpermitted, '2000000000', false), ...conformanceRoles.miners.map((who) => neuron(who, '0', false))];
  return defaultGenesis({
    owner: conformanceRoles.owner.hotkey,
    ...{ schedule, tempo, weightsRateLimit, versionKey, minAllowedWeights, neurons },
    maxValidators: conformanceRoles.validators.length,
    commitReveal: { enabled: rules.commitReveal, periodEpochs: 1, version: 4 },
    beacon: rules.beacon ? authorBeacon(secret) : null,
    burn: { price: '1000000000', min: '1000000000', max: '100000000000', halfLife: tempo, increasePpm: 1_260_000 },
    transactionFee: '125000',
    balances: [{ account: conformanceRoles.stranger.hotkey, balance: '1000000000000' }],
    ...(rules.full ? { maxNeurons: neurons.length, immunityPeriod: 0 } : {}),
  });
}

/** Nobody pulls the plug here. */
const unsynced = (disk: Disk): Disk => ({ appendFile: (line) => disk.appendFile(line), datasync: async () => undefined, truncate: (length) => disk.truncate(length), close: () => disk.close() });

/** Local chains over JSON-RPC, whose blocks come when the suite waits for them. */
export const localNetworks = (schedule: Genesis['schedule']): CreateNetwork => async (rules): Promise<ConformanceNetwork> => {
  const folder = temporaryFolder();
  const node = await openNode({ dir: folder.path, genesis: conformanceGenesis(rules, schedule), secret, disk: unsynced });
  const server = await serveRpc(node, 0, { dev: true });
  const [chain, dev] = [createLocalChain(server), createDevChain(server)];
  let best = await chain.head();
  return {
    chain,
    netuid: 1,
    roles: conformanceRoles,
    async waitBlocks(count) {
      best = await dev.produceBlocks(count);
    },
    // a pulse in each block, whose round is the block's number
    ...(rules.beacon ? { roundIn: async (blocks: number) => best.number + blocks } : {}),
    async reorganise(depth) {
      best = await dev.reorganise(depth);
    },
    bestHash: async () => best.hash,
    async stop() {
      await Promise.all([chain.close(), dev.close()]);
      await server.close();
      await node.close();
      folder.remove();
    },
  };
};
