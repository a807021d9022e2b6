import { bytesToHex } from '@noble/hashes/utils.js';
import type { Registry } from '@polkadot/types/types';
import { encodeHotkey } from '../keys.ts';
import type { ScaleReader } from '../scale.ts';
import { callAt, type RuntimeCall } from './call-shape.ts';
import { shapeOf, type Field, type Variant } from './shape.ts';

/** As deep as the runtime lets calls lie in calls. */
const MAX_DEPTH = 256;

export type Source = { readonly registry: Registry; readonly reader: ScaleReader; readonly depth: number };

/**
 * The value of a type at the reader's place, as JSON has it: an integer of 32 bits or fewer as a number, a longer or
 * compact one as decimal text, bytes as 0x and hex, an account as its SS58 address, a variant as its name or
 * {name: content}, an absent option as null.
 *
 * @throws {RangeError} on bytes that no such value has
 */
export function readValue(source: Source, type: number): unknown {
  const { registry, reader, depth } = source;
  if (depth > MAX_DEPTH) throw new RangeError(`Expected at most ${MAX_DEPTH} values in one another`);
  const inner: Source = { registry, reader, depth: depth + 1 };
  const shape = shapeOf(registry, type);
  switch (shape.kind) {
    case 'integer':
      return integer(reader, shape.bytes, shape.signed);
    case 'compact':
      return String(reader.compact());
    case 'bool':
      return flag(reader);
    case 'text':
      return text(reader.raw(reader.length(1)));
    case 'account':
      return encodeHotkey(reader.raw(32));
    case 'bytes':
      return hex(reader.raw(shape.length ?? reader.length(1)));
    case 'list':
      // no item that calls have is without a byte
      return Array.from({ length: shape.length ?? reader.length(1) }, () => readValue(inner, shape.item));
    case 'fields':
      return readFields(inner, shape.fields);
    case 'option':
      return flag(reader) ? readValue(inner, shape.item) : null;
    case 'call':
      return readCall(inner);
    case 'variants':
      return readVariant(inner, shape.variants);
  }
}

/** @throws {RangeError} on bytes that no call of this runtime has */
export function readCall(source: Source): RuntimeCall {
  const [pallet, call] = [Number(source.reader.uint(1)), Number(source.reader.uint(1))];
  const shape = callAt(source.registry, pallet, call);
  if (!shape) throw new RangeError(`this runtime has no call ${pallet}.${call}`);
  return { pallet: shape.pallet, method: shape.method, args: (readFields(source, shape.fields) ?? {}) as RuntimeCall['args'] };
}

/** Named fields as an object, one alone as its value, several unnamed ones as an array, none as null. */
function readFields(source: Source, fields: readonly Field[]): unknown {
  const [first] = fields;
  if (first === undefined) return null;
  if (first.name !== undefined) return Object.fromEntries(fields.map(({ name, type }) => [name!, readValue(source, type)]));
  return fields.length === 1 ? readValue(source, first.type) : fields.map(({ type }) => readValue(source, type));
}

function readVariant(source: Source, variants: readonly Variant[]): unknown {
  const index = Number(source.reader.uint(1));
  const variant = variants.find((one) => one.index === index);
  if (!variant) throw new RangeError(`Expected one of ${variants.length} variants, got ${index}`);
  return variant.fields.length === 0 ? variant.name : { [variant.name]: readFields(source, variant.fields) };
}

function integer(reader: ScaleReader, bytes: number, signed: boolean): number | string {
  const raw = reader.uint(bytes);
  const value = signed ? BigInt.asIntN(8 * bytes, raw) : raw;
  return bytes <= 4 ? Number(value) : String(value);
}

function flag(reader: ScaleReader): boolean {
  const byte = Number(reader.uint(1));
  if (byte > 1) throw new RangeError(`Expected 0 or 1, got ${byte}`);
  return byte === 1;
}

function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new RangeError('Expected text in UTF-8', { cause: error });
  }
}

const hex = (bytes: Uint8Array): string => `0x${bytesToHex(bytes)}`;
