import { bytesToHex } from '@noble/hashes/utils.js';
import { TypeRegistry } from '@polkadot/types/create';
import { Metadata } from '@polkadot/types/metadata';
import type { RuntimeVersion } from '@polkadot/types/interfaces';
import type { Registry } from '@polkadot/types/types';
import { InvalidInput } from '../../errors.ts';
import { emptyExtensions, extensionNames, noEffect } from './extensions.ts';

/** mainnet's is 340 kB */
const MAX_METADATA_BYTES = 16 * 1024 * 1024;
const MAGIC = '6d657461';

/** A runtime as its metadata describes it: enough to encode, decode and sign, with no node. */
export type Runtime = { readonly registry: Registry; readonly specName: string; readonly specVersion: number; readonly transactionVersion: number };

/**
 * The runtime of a metadata file.
 *
 * @param file the bytes that `state_getMetadata` answers, or those in hex, alone or as the JSON of that answer
 * @throws {InvalidInput} when it is none, or one of a version that is not known
 */
export function readMetadata(file: Uint8Array): Runtime {
  if (file.length > 2 * MAX_METADATA_BYTES) throw new InvalidInput(`Expected metadata of at most ${MAX_METADATA_BYTES} bytes, got more`);
  const registry = registryOf(file);
  const version = registry.metadata.pallets.find(({ name }) => name.toString() === 'System')?.constants.find(({ name }) => name.toString() === 'Version');
  if (!version) throw new InvalidInput('Expected metadata that says the version of its runtime, got none');
  const { specName, specVersion, transactionVersion } = registry.createType<RuntimeVersion>('RuntimeVersion', version.value.toU8a(true));
  return { registry, specName: specName.toString(), specVersion: specVersion.toNumber(), transactionVersion: transactionVersion.toNumber() };
}

function registryOf(file: Uint8Array): Registry {
  const hex = hexOf(file);
  try {
    const registry = new TypeRegistry();
    const metadata = new Metadata(registry, hex);
    // without its warning of unknown extensions: those with nothing in them are declared as such below
    registry.setMetadata(metadata, undefined, undefined, true);
    registry.setSignedExtensions(extensionNames(registry), noEffect(emptyExtensions(registry)), true);
    return registry;
  } catch (error) {
    throw new InvalidInput('Expected the metadata of a runtime that can be read, got some of another version, or a part', { cause: error });
  }
}

function hexOf(file: Uint8Array): `0x${string}` {
  if (bytesToHex(file.subarray(0, 4)) === MAGIC) return `0x${bytesToHex(file)}`;
  const hex = /0x(6d657461(?:[0-9a-f]{2})+)/i.exec(new TextDecoder().decode(file))?.[1];
  if (hex === undefined) throw new InvalidInput('Expected the metadata of a runtime, which begins with "meta" or in hex with 0x6d657461');
  return `0x${hex}`;
}
