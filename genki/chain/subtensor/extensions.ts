import { concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import type { ExtDef } from '@polkadot/types/extrinsic/signedExtensions/types';
import type { Registry } from '@polkadot/types/types';
import { InvalidInput } from '../../errors.ts';
import type { BlockRef } from '../chain.ts';
import { scaleCompact, scaleInt, type ScaleReader } from '../scale.ts';
import { eraOf, readEra, writeEra, type Era } from './era.ts';
import { shapeOf } from './shape.ts';

/** What an extrinsic is signed for, beside its call. */
export type SigningContext = {
  /** 0x + 64 hex */
  readonly genesisHash: string;
  readonly specVersion: number;
  readonly transactionVersion: number;
  readonly nonce: number;
  readonly born: BlockRef;
  /** Blocks that it lives, a power of two. */
  readonly period: number;
};

/** What an extrinsic carries beside call and signature. */
export type Carried = { /** null: it never dies */ readonly era: Era | null; readonly nonce: number; /** rao, decimal */ readonly tip: string };

type Extension = {
  /** Bytes within the extrinsic. */
  readonly carried: (context: SigningContext) => Uint8Array;
  /** Bytes that are signed and not sent. */
  readonly implied: (context: SigningContext) => Uint8Array;
  readonly read: (reader: ScaleReader) => Partial<Carried>;
};

const nothing = (): Uint8Array => new Uint8Array();
const empty: Extension = { carried: nothing, implied: nothing, read: () => ({}) };

const EXTENSIONS: Readonly<Record<string, Extension>> = {
  CheckSpecVersion: { ...empty, implied: ({ specVersion }) => scaleInt(BigInt(specVersion), 4) },
  CheckTxVersion: { ...empty, implied: ({ transactionVersion }) => scaleInt(BigInt(transactionVersion), 4) },
  CheckGenesis: { ...empty, implied: ({ genesisHash }) => hashBytes(genesisHash) },
  CheckMortality: { carried: ({ born, period }) => writeEra(eraOf(born.number, period)), implied: ({ born }) => hashBytes(born.hash), read: (reader) => ({ era: readEra(reader) }) },
  CheckNonce: { ...empty, carried: ({ nonce }) => scaleCompact(BigInt(nonce)), read: (reader) => ({ nonce: Number(reader.compact()) }) },
  ChargeTransactionPayment: { ...empty, carried: () => scaleCompact(0n), read: (reader) => ({ tip: String(reader.compact()) }) },
  // off, and no hash of the metadata
  CheckMetadataHash: { carried: () => Uint8Array.of(0), implied: () => Uint8Array.of(0), read: checkedMode },
};

/** Extensions with nothing in them, as a registry or `ApiPromise` of polkadot.js has them declared. */
export const noEffect = (names: readonly string[]): ExtDef => Object.fromEntries(names.map((name) => [name, { extrinsic: {}, payload: {} }]));

/**
 * Subtensor's own extensions that polkadot.js does not know, for `signedExtensions` of an `ApiPromise`: without, it
 * warns that it takes them for empty. They are; `extensionsOf` refuses a runtime where one is not.
 */
export const SUBTENSOR_EXTENSIONS: ExtDef = noEffect(['SudoTransactionExtension', 'CheckShieldedTxValidity', 'SubtensorTransactionExtension', 'DrandPriority']);

/** Names of a runtime's transaction extensions. */
export const extensionNames = ({ metadata }: Registry): string[] => metadata.extrinsic.transactionExtensions.map(({ identifier }) => identifier.toString());

/** Names of those with nothing in them. */
export const emptyExtensions = (registry: Registry): string[] =>
  registry.metadata.extrinsic.transactionExtensions.flatMap(({ identifier, type, implicit }) => (isEmpty(registry, type.toNumber()) && isEmpty(registry, implicit.toNumber()) ? [identifier.toString()] : []));

/**
 * A runtime's extensions in order; those that it has nothing in need not be known.
 *
 * @throws {InvalidInput} naming one that has something in it and is not known: nothing can be signed for such a runtime
 */
export function extensionsOf(registry: Registry): Extension[] {
  const without = emptyExtensions(registry);
  return extensionNames(registry).map((name) => {
    const known = Object.hasOwn(EXTENSIONS, name) ? EXTENSIONS[name] : undefined;
    if (!known && !without.includes(name)) throw new InvalidInput(`Expected a runtime whose extrinsics carry nothing unknown, got one with ${name}: a newer version of this program is needed`);
    return known ?? empty;
  });
}

export const carriedBytes = (registry: Registry, context: SigningContext): Uint8Array => concatBytes(...extensionsOf(registry).map(({ carried }) => carried(context)));

export const impliedBytes = (registry: Registry, context: SigningContext): Uint8Array => concatBytes(...extensionsOf(registry).map(({ implied }) => implied(context)));

export const readCarried = (registry: Registry, reader: ScaleReader): Carried => extensionsOf(registry).reduce<Carried>((carried, { read }) => ({ ...carried, ...read(reader) }), { era: null, nonce: 0, tip: '0' });

function isEmpty(registry: Registry, type: number): boolean {
  const shape = shapeOf(registry, type);
  return shape.kind === 'fields' && shape.fields.every((field) => isEmpty(registry, field.type));
}

function checkedMode(reader: ScaleReader): Partial<Carried> {
  const mode = Number(reader.uint(1));
  if (mode > 1) throw new RangeError(`Expected a mode of 0 or 1, got ${mode}`);
  return {};
}

function hashBytes(hash: string): Uint8Array {
  if (!/^0x[0-9a-f]{64}$/.test(hash)) throw new InvalidInput('Expected a hash of 0x and 64 hex digits');
  return hexToBytes(hash.slice(2));
}
