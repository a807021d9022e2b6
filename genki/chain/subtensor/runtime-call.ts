import { concatBytes } from '@noble/hashes/utils.js';
import type { Registry } from '@polkadot/types/types';
import { InvalidInput } from '../../errors.ts';
import { ScaleReader } from '../scale.ts';
import { callsOf, type RuntimeCall } from './call-shape.ts';
import { readCall } from './decode-value.ts';
import { writeCall, type Sink } from './encode-value.ts';

/** No call that a block would take is longer. */
const MAX_CALL_BYTES = 4 * 1024 * 1024;

/**
 * A call's bytes, by any metadata: a file's or a live connection's.
 *
 * @throws {InvalidInput} for a call that this runtime does not have, or arguments that are not exactly its own
 */
export function encodeCall(registry: Registry, call: RuntimeCall): Uint8Array {
  const sink: Sink = { registry, out: [], at: '' };
  writeCall(sink, call);
  return concatBytes(...sink.out);
}

/**
 * What a call's bytes say.
 *
 * @throws {InvalidInput} unless they are exactly one call of this runtime, in its one encoding
 */
export function decodeCall(registry: Registry, bytes: Uint8Array): RuntimeCall {
  return readAll('a call', bytes, (reader) => readCall({ registry, reader, depth: 0 }));
}

/** True when the runtime has the call: features are found so, never by a version's number. */
export const hasCall = (registry: Registry, pallet: string, method: string): boolean => callsOf(registry, pallet)?.some((call) => call.method === method) ?? false;

/** Reads all of some bytes. @throws {InvalidInput} when `read` throws a RangeError, or leaves some */
export function readAll<T>(what: string, bytes: Uint8Array, read: (reader: ScaleReader) => T): T {
  if (bytes.length > MAX_CALL_BYTES) throw new InvalidInput(`Expected ${what} of at most ${MAX_CALL_BYTES} bytes, got ${bytes.length}`);
  const reader = new ScaleReader(bytes);
  try {
    const value = read(reader);
    if (reader.left > 0) throw new RangeError(`${reader.left} bytes are left over`);
    return value;
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidInput(`Expected the bytes of ${what}: ${error.message}`, { cause: error });
    throw error;
  }
}
