import type { Call, Chain, SignedExtrinsic, Signer } from '../chain.ts';
import { Blocks } from './blocks.ts';
import { commitmentsAt } from './commitments.ts';
import { runtimeCall } from './calls.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { epochInputAt } from './epoch-input.ts';
import { signCall } from './extrinsic.ts';
import { beaconAt, hyperparametersAt } from './hyperparameters.ts';
import { landingOf } from './landing.ts';
import { metagraphAt } from './metagraph.ts';
import { throwRefused } from './refusals.ts';
import { Rao, Whole } from './values.ts';
import { weightCommitsAt, weightsAt } from './weights.ts';

export type SubtensorOptions = ConnectionOptions;
export type SubtensorChain = Chain & Required<Pick<Chain, 'health'>>;

/** Blocks that an extrinsic may live: six minutes of mainnet's. */
const PERIOD = 32;

/**
 * A subtensor chain through the WebSockets of its nodes.
 *
 * asked for something that can never be right. What a runtime can do is seen from its metadata, never from its version.
 */
export function createSubtensorChain(options: SubtensorOptions): SubtensorChain {
  const connection = new Connection(options);
  const blocks = new Blocks(connection);
  const metagraph: Chain['metagraph'] = (netuid, at) => connection.at(at, (state, block) => metagraphAt(state, block, netuid));
  return {
    head: () => connection.head(),
    headAfter: (number, signal) => connection.headAfter(number, signal),
    blockHash: (number) => connection.blockHash(number),
    metagraph,
    commitments: async (netuid, at) => {
      const subnet = await metagraph(netuid, at);
      return await connection.at(at, (state) => commitmentsAt(state, blocks, subnet));
    },
    weights: (netuid, at) => connection.at(at, (state) => weightsAt(state, netuid)),
    weightCommits: (netuid, at) => connection.at(at, (state) => weightCommitsAt(state, netuid)),
    epochInput: (netuid, at) => connection.at(at, (state, block) => epochInputAt(state, block, netuid)),
    hyperparameters: (netuid, at) => connection.at(at, (state, block) => hyperparametersAt(state, block, netuid)),
    balance: (account, at) => connection.at(at, async (state) => Rao.parse(((await state.query['system']!['account']!(account)).toJSON() as { data: { free: unknown } }).data.free)),
    beacon: (at) => connection.at(at, beaconAt),
    prepare: (call, signer) => prepare(connection, call, signer),
    async broadcast({ hex }) {
      await connection.raw('author_submitExtrinsic', [`0x${hex}`]).catch(throwRefused);
    },
    landing: (extrinsic) => landingOf(connection, blocks, extrinsic),
    health: () => connection.health(),
    close: () => connection.close(),
  };
}

async function prepare(connection: Connection, call: Call, signer: Signer): Promise<SignedExtrinsic> {
  const [api, born] = [await connection.api(), await connection.head()];
  const nonce = Whole.parse(await connection.raw('system_accountNextIndex', [signer.hotkey]));
  const { specVersion, transactionVersion } = api.runtimeVersion;
  const context = { genesisHash: api.genesisHash.toHex(), specVersion: specVersion.toNumber(), transactionVersion: transactionVersion.toNumber(), nonce, born, period: PERIOD };
  const signed = signCall(api.registry, runtimeCall(call), context, signer);
  return { ...signed, hex: signed.hex.slice(2) };
}
