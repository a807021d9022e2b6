import { blake2AsHex } from '@polkadot/util-crypto/blake2';
import type { Genesis } from '../../../genki/chain/local/genesis.ts';
import { nextEpochBlock } from '../../../genki/chain/local/schedule.ts';
import { notExported } from './rpc-failure.ts';
import { hyperparameterEntries, hyperparametersView, metagraphView, neuronsView, selectiveView } from './subnet-views.ts';
import { nonceOf } from './validity.ts';
import { SLOT_MS, type WireBlock } from './wire-block.ts';
import { fromHex, toHex, type WireRuntime } from './wire-runtime.ts';

/** As a node tells a runtime's versions in JSON. */
export const versionJson = ({ specVersion, transactionVersion, apis }: WireRuntime) => ({
  specName: 'node-subtensor',
  implName: 'node-subtensor',
  authoringVersion: 1,
  specVersion,
  implVersion: 1,
  apis: apis.map(({ name, version }) => [blake2AsHex(name, 64), version] as const),
  transactionVersion,
  stateVersion: 1,
});

type Called = { readonly block: WireBlock; readonly genesis: Genesis; readonly args: readonly unknown[] };
type Handler = (called: Called) => unknown;

/** Only mainnet's newest form is at hand, which a node gives beside 14 and 15. */
const METADATA_VERSION = 16;

const ofSubnet =
  (view: (called: Called) => unknown): Handler =>
  (called) =>
    Number(called.args[0]) === called.genesis.netuid ? view(called) : null;

const HANDLERS: Readonly<Record<string, Handler>> = {
  Core_version: ({ block }) => ({ ...versionJson(block.code), systemVersion: 1 }),
  Metadata_metadata: ({ block }) => toHex(block.code.metadata),
  Metadata_metadata_versions: () => [METADATA_VERSION],
  Metadata_metadata_at_version: ({ block, args }) => (Number(args[0]) === METADATA_VERSION ? toHex(block.code.metadata) : null),
  AuraApi_slot_duration: () => SLOT_MS,
  AccountNonceApi_account_nonce: ({ block, args }) => nonceOf(block.state, String(args[0])),
  TransactionPaymentApi_query_info: ({ genesis }) => feeInfo(genesis),
  SubnetInfoRuntimeApi_get_metagraph: ofSubnet(({ block, genesis }) => metagraphView(block.state, genesis)),
  SubnetInfoRuntimeApi_get_mechagraph: ofSubnet(({ block, genesis, args }) => (Number(args[1]) === 0 ? metagraphView(block.state, genesis) : null)),
  SubnetInfoRuntimeApi_get_selective_metagraph: ofSubnet(({ block, genesis, args }) => selectiveView(block.state, genesis, { fields: selectiveFields(block.code), indexes: args[1] as number[] })),
  SubnetInfoRuntimeApi_get_next_epoch_start_block: ofSubnet(({ block, genesis }) => nextEpochBlock(block.state, genesis)),
  SubnetInfoRuntimeApi_get_subnet_hyperparams: ofSubnet(({ genesis }) => hyperparametersView(genesis)),
  SubnetInfoRuntimeApi_get_subnet_hyperparams_v2: ofSubnet(({ genesis }) => hyperparametersView(genesis)),
  SubnetInfoRuntimeApi_get_subnet_hyperparams_v3: ofSubnet(({ genesis }) => hyperparameterEntries(genesis)),
  NeuronInfoRuntimeApi_get_neurons_lite: ({ block, genesis, args }) => (Number(args[0]) === genesis.netuid ? neuronsView(block.state, genesis) : []),
};

/**
 * What a runtime API answers, in SCALE and hex.
 *
 * @throws {RpcFailure} where the block's runtime has no such API, or one that the chain here does not answer
 */
export function callRuntime(block: WireBlock, genesis: Genesis, { method, input }: { readonly method: string; readonly input: string }): string {
  const { code } = block;
  const known = code.method(method);
  const handler = HANDLERS[method];
  if (!known || !handler) throw notExported(method);
  let left = fromHex(input);
  const args = known.inputs.map((type) => {
    const value = code.registry.createTypeUnsafe(code.registry.createLookupType(type), [left]);
    left = left.slice(value.encodedLength);
    return value.toJSON();
  });
  return toHex(code.encode(known.output, handler({ block, genesis, args })));
}

/** For any call: the fee is the same. */
export const feeInfo = ({ transactionFee }: Genesis): object => ({ weight: { refTime: 250_000_000, proofSize: 0 }, class: 'Normal', partialFee: transactionFee });

function selectiveFields({ registry }: WireRuntime): string[] {
  return Object.keys(JSON.parse(registry.createTypeUnsafe('PalletSubtensorRpcInfoMetagraphSelectiveMetagraph', []).toRawType()) as object);
}
