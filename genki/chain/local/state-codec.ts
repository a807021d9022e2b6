import { deserialize, serialize } from 'node:v8';
import { PersistentMap } from './persistent-map.ts';

/** Stands for a PersistentMap in the bytes; no record of a state may use the name. */
const MARK = 'persistentMap';

/**
 * Bytes that `decodeState` makes an equal value of: numbers, bigints, strings, booleans, null, undefined, and arrays,
 * plain objects, Maps and PersistentMaps of such.
 *
 * @throws {TypeError} on anything else, which would come back as something different
 */
export const encodeState = (value: unknown): Buffer => serialize(packed(value));

/** @throws on bytes that `encodeState` did not make */
export const decodeState = (bytes: Uint8Array): unknown => unpacked(deserialize(bytes));

function packed(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`Expected a value that a state can keep, got a ${typeof value}`);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(packed);
  if (value instanceof Map) return new Map(Array.from(value, ([key, of]) => [packed(key), packed(of)]));
  if (value instanceof PersistentMap) return { [MARK]: value.entries().map(([key, of]) => [key, packed(of)]) };
  if (Object.getPrototypeOf(value) !== Object.prototype || MARK in value) throw new TypeError(`Expected a plain object, got ${MARK in value ? `a property ${MARK}` : value.constructor?.name}`);
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, packed(of)]));
}

function unpacked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unpacked);
  if (value instanceof Map) return new Map(Array.from(value, ([key, of]) => [unpacked(key), unpacked(of)]));
  if (MARK in value) return PersistentMap.from((value[MARK] as [string, unknown][]).map(([key, of]) => [key, unpacked(of)] as const));
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, unpacked(of)]));
}
