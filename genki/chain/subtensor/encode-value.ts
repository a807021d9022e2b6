import { hexToBytes } from '@noble/hashes/utils.js';
import type { Registry } from '@polkadot/types/types';
import { InvalidInput } from '../../errors.ts';
import { decodeHotkey, isHotkey } from '../keys.ts';
import { looksSecret } from '../looks-secret.ts';
import { scaleCompact, scaleInt } from '../scale.ts';
import { callsOf, palletsOf } from './call-shape.ts';
import { shapeOf, type Field, type Variant } from './shape.ts';

const MAX_COMPACT = 1n << 536n;

/** Where a value belongs: the metadata, the bytes so far, and the place to name in an error. */
export type Sink = { readonly registry: Registry; readonly out: Uint8Array[]; readonly at: string };

/**
 * Appends a value of a type, strictly: nothing is left out, rounded, or read as something else.
 *
 * @param value as `readValue` gives it; integers as numbers or decimal text, an address also for a MultiAddress
 * @throws {InvalidInput} naming the place
 */
export function writeValue(sink: Sink, type: number, value: unknown): void {
  const { registry, out } = sink;
  const shape = shapeOf(registry, type);
  switch (shape.kind) {
    case 'integer':
      return void out.push(scaleInt(integer(sink, value, shape), shape.bytes));
    case 'compact':
      return void out.push(scaleCompact(integer(sink, value, { limit: MAX_COMPACT })));
    case 'bool':
      if (typeof value !== 'boolean') throw refused(sink, 'true or false', value);
      return void out.push(Uint8Array.of(Number(value)));
    case 'text':
      if (typeof value !== 'string') throw refused(sink, 'text', value);
      return writeBytes(sink, new TextEncoder().encode(value), undefined);
    case 'account':
      return void out.push(account(sink, value));
    case 'bytes':
      return writeBytes(sink, bytesOf(sink, value), shape.length);
    case 'list':
      return writeList(sink, value, shape);
    case 'fields':
      return writeFields(sink, shape.fields, value);
    case 'option':
      out.push(Uint8Array.of(Number(value !== null)));
      return value === null ? undefined : writeValue(sink, shape.item, value);
    case 'call':
      return writeCall(sink, value);
    case 'variants':
      return writeVariant(sink, shape.variants, value);
  }
}

/** Appends a call, `{pallet, method, args}`. */
export function writeCall(sink: Sink, call: unknown): void {
  if (!isRecord(call) || typeof call.pallet !== 'string' || typeof call.method !== 'string' || !isRecord(call.args)) throw refused({ at: sink.at || 'the call' }, 'pallet, method and args', call);
  const { pallet, method, args } = call;
  const calls = callsOf(sink.registry, pallet);
  if (!calls) throw new InvalidInput(`Expected a pallet of ${palletsOf(sink.registry).join(', ')}, got ${shown(pallet)}`);
  const shape = calls.find((one) => one.method === method);
  if (!shape) throw new InvalidInput(`Expected a call that ${pallet} of this runtime has, got ${shown(method)}`);
  sink.out.push(Uint8Array.from(shape.index));
  writeFields(within(sink, `${sink.at === '' ? '' : ' > '}${pallet}.${method}`), shape.fields, shape.fields.length === 0 && Object.keys(args).length === 0 ? null : args);
}

/** Named fields from an object, one alone from its value, several unnamed ones from an array. */
function writeFields(sink: Sink, fields: readonly Field[], value: unknown): void {
  const [first] = fields;
  if (first === undefined) {
    if (value !== null) throw refused(sink, 'null', value);
    return;
  }
  if (first.name !== undefined) {
    const names = fields.map(({ name }) => name!);
    if (!isRecord(value) || Object.keys(value).length !== names.length || !names.every((name) => Object.hasOwn(value, name))) throw refused(sink, `an object of exactly ${names.join(', ')}`, value);
    return fields.forEach(({ name, type }) => writeValue(within(sink, `.${name}`), type, value[name!]));
  }
  if (fields.length === 1) return writeValue(sink, first.type, value);
  if (!Array.isArray(value) || value.length !== fields.length) throw refused(sink, `an array of ${fields.length}`, value);
  fields.forEach(({ type }, i) => writeValue(within(sink, `[${i}]`), type, value[i]));
}

function writeVariant(sink: Sink, variants: readonly Variant[], value: unknown): void {
  // the usual way to write a MultiAddress
  const named = typeof value === 'string' && isHotkey(value) ? { Id: value } : value;
  const [name, content] = typeof named === 'string' ? [named, null] : isRecord(named) && Object.keys(named).length === 1 ? Object.entries(named)[0]! : [undefined, null];
  const variant = variants.find((one) => one.name === name);
  if (!variant) throw refused(sink, `one of ${listed(variants)}, those with content as {"name": content}`, value);
  sink.out.push(Uint8Array.of(variant.index));
  writeFields(within(sink, `.${variant.name}`), variant.fields, content);
}

function writeList(sink: Sink, value: unknown, { item, length }: { item: number; length: number | undefined }): void {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) throw refused(sink, length === undefined ? 'an array' : `an array of ${length}`, value);
  if (length === undefined) sink.out.push(scaleCompact(BigInt(value.length)));
  value.forEach((one, i) => writeValue(within(sink, `[${i}]`), item, one));
}

function writeBytes(sink: Sink, bytes: Uint8Array, length: number | undefined): void {
  if (length === undefined) sink.out.push(scaleCompact(BigInt(bytes.length)));
  else if (bytes.length !== length) throw refused(sink, `${length} bytes`, `${bytes.length}`);
  sink.out.push(bytes);
}

function integer(sink: Sink, value: unknown, { bytes = 0, signed = false, limit = 1n << BigInt(8 * bytes) }: { bytes?: number; signed?: boolean; limit?: bigint }): bigint {
  const [min, end] = signed ? [-limit / 2n, limit / 2n] : [0n, limit];
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d{1,162}$/.test(value));
  const exact = isWhole ? BigInt(value as string) : undefined;
  if (exact === undefined || exact < min || exact >= end) throw refused(sink, bytes === 0 ? 'an integer' : `an integer of ${8 * bytes} bits from ${min}`, value);
  return exact;
}

function account(sink: Sink, value: unknown): Uint8Array {
  if (typeof value === 'string' && isHotkey(value)) return decodeHotkey(value);
  throw refused(sink, 'an SS58 address with prefix 42', value);
}

function bytesOf(sink: Sink, value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^0x([0-9a-f]{2})*$/i.test(value)) throw refused(sink, 'bytes as 0x and hex', value);
  return hexToBytes(value.slice(2));
}

const within = (sink: Sink, place: string): Sink => ({ ...sink, at: `${sink.at}${place}` });

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const refused = ({ at }: { at: string }, expected: string, value: unknown): InvalidInput => new InvalidInput(`Expected ${expected} at ${at}, got ${shown(value)}`);

const listed = (variants: readonly Variant[]): string => `${variants.slice(0, 12).map(({ name }) => name).join(', ')}${variants.length > 12 ? `, … (${variants.length})` : ''}`;

/** Not what may be a secret, and not at length. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? typeof value);
  const mayTell = typeof value === 'string' ? !looksSecret(value) : !isRecord(value) && !Array.isArray(value);
  return mayTell ? text.slice(0, 80) : Array.isArray(value) ? `an array of ${value.length}` : isRecord(value) ? `an object of ${Object.keys(value).map((key) => key.slice(0, 40)).join(', ').slice(0, 160)}` : 'what may be a secret';
}
