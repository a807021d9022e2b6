import { hexToBytes, bytesToHex, concatBytes } from '@noble/hashes/utils.js';
import { blake2AsU8a } from '@polkadot/util-crypto/blake2';
import { xxhashAsU8a } from '@polkadot/util-crypto/xxhash';
import { TypeRegistry } from '@polkadot/types';
import { Metadata } from '@polkadot/types/metadata';
import type { PalletMetadataLatest, Si1Variant, SiLookupTypeId, StorageEntryMetadataLatest } from '@polkadot/types/interfaces';
import { changedMetadata, type MetadataChange } from './metadata.ts';

export type RuntimeOptions = MetadataChange & { readonly specVersion?: number; readonly transactionVersion?: number };

/** A type by its place in the metadata. */
type TypeId = SiLookupTypeId;
export type ApiMethod = { readonly inputs: readonly TypeId[]; readonly output: TypeId };

/** One runtime of the chain: its versions, and how its metadata writes storage, events, errors and answers. */
export class WireRuntime {
  readonly specVersion: number;
  readonly transactionVersion: number;
  readonly metadata: Uint8Array;
  readonly registry = new TypeRegistry();
  /** Each runtime API's name and version. */
  readonly apis: readonly { readonly name: string; readonly version: number }[];
  readonly #pallets: ReadonlyMap<string, PalletMetadataLatest>;
  readonly #methods: ReadonlyMap<string, ApiMethod>;

  constructor({ specVersion = 424, transactionVersion = 1, ...change }: RuntimeOptions = {}) {
    this.specVersion = specVersion;
    this.transactionVersion = transactionVersion;
    this.metadata = changedMetadata(change);
    const metadata = new Metadata(this.registry, this.metadata);
    this.registry.setMetadata(metadata, undefined, undefined, true);
    const { pallets, apis } = metadata.asLatest;
    this.#pallets = new Map(pallets.map((pallet) => [pallet.name.toString(), pallet]));
    this.apis = apis.map(({ name, version }) => ({ name: name.toString(), version: version.toNumber() }));
    this.#methods = new Map(apis.flatMap((api) => api.methods.map((method) => [`${api.name.toString()}_${method.name.toString()}`, { inputs: method.inputs.map(({ type }) => type), output: method.output }])));
  }

  encode(type: TypeId, value: unknown): Uint8Array {
    return this.registry.createTypeUnsafe(this.registry.createLookupType(type), [value]).toU8a();
  }

  /** Undefined where the metadata has no such API. */
  method(name: string): ApiMethod | undefined {
    return this.#methods.get(name);
  }

  /** Key and value of a storage item, hex; undefined where the metadata has no such item. */
  storage(item: string, keys: readonly unknown[], value: unknown): readonly [key: string, value: string] | undefined {
    const entry = this.#entry(item);
    if (!entry) return undefined;
    const { type } = entry.item;
    if (type.isPlain) return [toHex(entry.prefix), toHex(this.encode(type.asPlain, value))];
    const { hashers, key, value: valueType } = type.asMap;
    const types = hashers.length === 1 ? [key] : [...this.registry.lookup.getSiType(key).def.asTuple];
    const hashed = keys.map((part, i) => hashWith(hashers[i]!.toString(), this.encode(types[i]!, part)));
    return [toHex(concatBytes(entry.prefix, ...hashed)), toHex(this.encode(valueType, value))];
  }

  /** An event's bytes: pallet, variant, fields in their order. */
  event(pallet: string, name: string, fields: readonly unknown[]): Uint8Array {
    const known = this.#pallets.get(pallet)!;
    const variant = this.#variants(known.events.unwrap().type).find((one) => one.name.toString() === name)!;
    return concatBytes(Uint8Array.of(known.index.toNumber(), variant.index.toNumber()), ...variant.fields.map(({ type }, i) => this.encode(type, fields[i])));
  }

  /** Where the error of that name is; a pallet that comes first in `order` wins. */
  moduleError(name: string, order: readonly string[]): { readonly index: number; readonly error: number } | undefined {
    for (const pallet of order) {
      const { errors, index } = this.#pallets.get(pallet)!;
      const variant = this.#variants(errors.unwrap().type).find((one) => one.name.toString() === name);
      if (variant) return { index: index.toNumber(), error: variant.index.toNumber() };
    }
    return undefined;
  }

  palletIndex(pallet: string): number {
    return this.#pallets.get(pallet)!.index.toNumber();
  }

  #entry(path: string): { readonly prefix: Uint8Array; readonly item: StorageEntryMetadataLatest } | undefined {
    const [pallet, name] = path.split('.') as [string, string];
    const storage = this.#pallets.get(pallet)?.storage.unwrapOr(null);
    const item = storage?.items.find((one) => one.name.toString() === name);
    return storage && item ? { prefix: concatBytes(xxhashAsU8a(storage.prefix.toString(), 128), xxhashAsU8a(name, 128)), item } : undefined;
  }

  #variants(type: TypeId): Si1Variant[] {
    return [...this.registry.lookup.getSiType(type).def.asVariant.variants];
  }
}

function hashWith(hasher: string, key: Uint8Array): Uint8Array {
  switch (hasher) {
    case 'Identity':
      return key;
    case 'Twox64Concat':
      return concatBytes(xxhashAsU8a(key, 64), key);
    case 'Blake2_128Concat':
      return concatBytes(blake2AsU8a(key, 128), key);
    default:
      throw new RangeError(`Expected a hasher that is written here, got ${hasher}`);
  }
}

export const toHex = (bytes: Uint8Array): string => `0x${bytesToHex(bytes)}`;

export const fromHex = (hex: string): Uint8Array => hexToBytes(hex.slice(2));

const built = new Map<string, WireRuntime>();

/** The runtime of these options: a pure value that takes a second to make, so each is made once. */
export function wireRuntime(options: RuntimeOptions = {}): WireRuntime {
  const key = JSON.stringify(options);
  const runtime = built.get(key) ?? new WireRuntime(options);
  built.set(key, runtime);
  return runtime;
}
