import { readFileSync } from 'node:fs';
import { TypeRegistry } from '@polkadot/types';
import { Metadata } from '@polkadot/types/metadata';
import type { PortableType } from '@polkadot/types/interfaces';

/** Of Bittensor's mainnet at spec version 424, in SCALE. */
export const mainnetMetadata = (): Uint8Array => readFileSync(new URL('../../goldens/chain/bittensor-finney-424.metadata.scale', import.meta.url));

/** What a runtime's metadata lacks or has elsewhere, beside mainnet's at 424; names as they stand there. */
export type MetadataChange = {
  /** Whole runtime APIs, or `Api_method`. */
  readonly withoutApis?: readonly string[];
  /** `Pallet.Item` */
  readonly withoutStorage?: readonly string[];
  /** `Pallet.call_name` */
  readonly withoutCalls?: readonly string[];
  /** The index of a pallet, which calls, events and errors begin with. */
  readonly palletIndex?: Readonly<Record<string, number>>;
};

/** As runtimes up to 393 were: epochs by the block's number alone. */
export const LEGACY: MetadataChange = {
  withoutApis: ['SubnetInfoRuntimeApi_get_next_epoch_start_block', 'SubnetInfoRuntimeApi_get_subnet_hyperparams_v3'],
  withoutStorage: ['LastEpochBlock', 'PendingEpochAt', 'SubnetEpochIndex', 'ActivityCutoffFactorMilli', 'MaxEpochsPerBlock'].map((item) => `SubtensorModule.${item}`),
  withoutCalls: ['register_limit', 'set_tempo', 'trigger_epoch'].map((call) => `SubtensorModule.${call}`),
};

/** Of a runtime without its own views of a subnet: whoever reads it has to read storage. */
export const NO_VIEWS: MetadataChange = { withoutApis: ['SubnetInfoRuntimeApi', 'NeuronInfoRuntimeApi'] };

/** Mainnet's metadata with the change. */
export function changedMetadata({ withoutApis = [], withoutStorage = [], withoutCalls = [], palletIndex = {} }: MetadataChange): Uint8Array {
  const registry = new TypeRegistry();
  const latest = new Metadata(registry, mainnetMetadata()).asLatest;
  const pallets = latest.pallets.map((pallet) => {
    const name = pallet.name.toString();
    const kept = pallet.storage.unwrapOr(null)?.items.filter((item) => !withoutStorage.includes(`${name}.${item.name.toString()}`));
    const storage = kept ? { prefix: pallet.storage.unwrap().prefix, items: kept } : null;
    return new Map<string, unknown>([...pallet, ['storage', storage], ['index', palletIndex[name] ?? pallet.index]]);
  });
  const apis = latest.apis
    .filter((api) => !withoutApis.includes(api.name.toString()))
    .map((api) => new Map<string, unknown>([...api, ['methods', api.methods.filter((method) => !withoutApis.includes(`${api.name.toString()}_${method.name.toString()}`))]]));
  const types = latest.lookup.types.map((type) => changedType(type, { withoutCalls, palletIndex }));
  const body = registry.createTypeUnsafe('MetadataV16', [new Map<string, unknown>([...latest, ['pallets', pallets], ['apis', apis], ['lookup', { types }]])]);
  return Uint8Array.from([...new TextEncoder().encode('meta'), 16, ...body.toU8a()]);
}

const OUTER_ENUMS = ['RuntimeCall', 'RuntimeEvent', 'RuntimeError'];

function changedType(portable: PortableType, { withoutCalls, palletIndex }: { readonly withoutCalls: readonly string[]; readonly palletIndex: Readonly<Record<string, number>> }): unknown {
  const { id, type } = portable;
  if (!type.def.isVariant) return portable;
  const path = type.path.map(String);
  const isOuter = OUTER_ENUMS.includes(path.at(-1) ?? '');
  const removed = path.join('::') === 'pallet_subtensor::pallet::Call' ? withoutCalls : [];
  if (!isOuter && removed.length === 0) return portable;
  const variants = type.def.asVariant.variants
    .filter((variant) => !removed.includes(`SubtensorModule.${variant.name.toString()}`))
    .map((variant) => new Map<string, unknown>([...variant, ['index', (isOuter ? palletIndex[variant.name.toString()] : undefined) ?? variant.index]]));
  return { id, type: new Map<string, unknown>([...type, ['def', { Variant: { variants } }]]) };
}
