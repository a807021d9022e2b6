import { BadSubmission, InvalidInput } from '../errors.ts';
import { isWithin } from './json-bounds.ts';
import type { Dtype, TensorLimits } from './safetensors.ts';

/** Where a tensor lies: `begin` and `end` in bytes from the end of the header. */
export type Entry = { readonly name: string; readonly dtype: Dtype; readonly shape: readonly number[]; readonly begin: number; readonly end: number };

/** What stands before the tensors, which come one after the other in the order of the entries. */
export type Header = { readonly entries: readonly Entry[]; readonly metadata: Record<string, string> };

/** Bytes of one element in a file. */
export const BYTES = { I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U16: 2, U8: 1 } as const satisfies Record<Dtype, number>;
export const MAX_DIMENSIONS = 8;
/** Of the number at the start of a file: how long its header is. */
export const LENGTH_BYTES = 8;
export const METADATA = '__metadata__';
const HEADER_DEPTH = 3;

/**
 * How long the header is, in bytes.
 * @param file its size in bytes and, as far as there are any, its first `LENGTH_BYTES`
 * @throws {BadSubmission} when the file cannot hold such a header, or the reader would not
 */
export function headerLength({ first, bytes }: { first: Uint8Array; bytes: number }, { maxHeaderBytes = 2 ** 24 }: TensorLimits): number {
  if (bytes < LENGTH_BYTES || first.byteLength < LENGTH_BYTES) throw new BadSubmission(`Expected a safetensors file, got ${bytes} bytes`);
  const claimed = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  const room = Math.min(maxHeaderBytes, bytes - LENGTH_BYTES);
  if (claimed > BigInt(room)) throw new BadSubmission(`Expected a header of at most ${room} bytes, got one of ${claimed}`);
  return Number(claimed);
}

/**
 * What the header says, once it is known that no byte of the body belongs to two tensors or to none.
 * @param header without the length before it
 * @param bodyBytes what there is behind it
 * @throws {BadSubmission} naming what was expected and found
 */
export function readHeader(header: Uint8Array, bodyBytes: number, { maxTensors = 65_536, maxElements = Infinity }: TensorLimits): Header {
  const { entries, metadata } = parseHeader(textOf(header), maxTensors);
  let end = 0;
  let elements = 0;
  for (const { name, shape, dtype, begin, end: next } of entries) {
    elements += countElements(name, shape, maxElements);
    if (elements > maxElements) throw new BadSubmission(`Expected at most ${maxElements} elements, got more at tensor ${name}`);
    if (begin !== end) throw new BadSubmission(`Expected tensor ${name} to begin at byte ${end}, got ${begin}`);
    end = begin + product(shape) * BYTES[dtype];
    if (next !== end) throw new BadSubmission(`Expected tensor ${name} (${dtype} [${shape.join(', ')}]) to end at byte ${end}, got ${next}`);
  }
  if (end !== bodyBytes) throw new BadSubmission(`Expected ${end} bytes of tensors, got ${bodyBytes}`);
  return { entries, metadata };
}

/** What is known of a tensor before its values. */
export type Described = { readonly dtype: Dtype; readonly shape: readonly number[] };

/** Names in UTF-16 order. */
export const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The beginning of a file, and the order in which its tensors follow: wide dtypes first, so that each lies aligned, then by
 * name. The header is padded with spaces to 8 bytes.
 * @throws {InvalidInput} for a tensor with the name of the metadata
 */
export function writeHeader(specs: ReadonlyMap<string, Described>, metadata: Readonly<Record<string, string>>): { beginning: Uint8Array; names: readonly string[]; bodyBytes: number } {
  const entries = [...specs].sort(([a, x], [b, y]) => BYTES[y.dtype] - BYTES[x.dtype] || byName(a, b));
  const fields: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) fields.push([METADATA, Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => byName(a, b)))]);
  let at = 0;
  for (const [name, { dtype, shape }] of entries) {
    if (name === METADATA) throw new InvalidInput(`Expected a tensor's name, got ${METADATA}`);
    fields.push([name, { dtype, shape, data_offsets: [at, (at += product(shape) * BYTES[dtype])] }]);
  }
  // by hand, since an object would reorder names that look like numbers
  const header = new TextEncoder().encode(`{${fields.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`);
  const headerBytes = Math.ceil(header.byteLength / 8) * 8;
  const beginning = new Uint8Array(LENGTH_BYTES + headerBytes).fill(0x20, LENGTH_BYTES);
  new DataView(beginning.buffer).setBigUint64(0, BigInt(headerBytes), true);
  beginning.set(header, LENGTH_BYTES);
  return { beginning, names: entries.map(([name]) => name), bodyBytes: at };
}

function textOf(header: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch (cause) {
    throw new BadSubmission('Expected a header in UTF-8, got other bytes', { cause });
  }
}

function parseHeader(text: string, maxTensors: number): Header {
  const header = parseObject(text);
  const fields = Object.entries(header).filter(([name]) => name !== METADATA);
  if (fields.length > maxTensors) throw new BadSubmission(`Expected at most ${maxTensors} tensors, got ${fields.length}`);
  const metadata = Object.hasOwn(header, METADATA) ? readMetadata(header[METADATA]) : {};
  const entries = fields.map(([name, value]) => readEntry(name, value)).sort((a, b) => a.begin - b.begin || a.end - b.end);
  const keys = Object.keys(header).length + 3 * entries.length + Object.keys(metadata).length;
  if (countKeys(text) !== keys) throw new BadSubmission('Expected each name once in the header, got one twice');
  return { entries, metadata };
}

function parseObject(text: string): Record<string, unknown> {
  // a header of tensors with their shapes; a deeper one could not even be quoted
  if (!isWithin(text, { depth: HEADER_DEPTH, values: Infinity })) throw new BadSubmission(`Expected a header of at most ${HEADER_DEPTH} levels, got a deeper one`);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new BadSubmission('Expected a header in JSON, got other text', { cause });
  }
  if (!isObject(header)) throw new BadSubmission('Expected the header to be an object of tensors, got another value');
  return header;
}

/** JSON.parse keeps the last of two equal keys and says nothing, so they are counted in the text, which is known to be valid. */
function countKeys(text: string): number {
  let keys = 0;
  for (const [, colon] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g)) if (colon !== undefined) keys++;
  return keys;
}

function readMetadata(value: unknown): Record<string, string> {
  const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';
  const entries = isObject(value) ? Object.entries(value) : undefined;
  if (!entries?.every(isText)) throw new BadSubmission(`Expected ${METADATA} to be an object of strings, got another value`);
  return Object.fromEntries(entries);
}

function readEntry(name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets, ...unknown } = isObject(value) ? value : {};
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined) throw new BadSubmission(`Expected dtype, shape and data_offsets of tensor ${name}, got ${surplus}`);
  if (typeof dtype !== 'string' || !isDtype(dtype)) {
    throw new BadSubmission(`Expected tensor ${name} to have dtype ${Object.keys(BYTES).join(', ')}, got ${JSON.stringify(dtype)}`);
  }
  if (!isLengths(shape) || shape.length > MAX_DIMENSIONS) {
    throw new BadSubmission(`Expected tensor ${name} to have a shape of at most ${MAX_DIMENSIONS} lengths, got ${JSON.stringify(shape)?.slice(0, 80)}`);
  }
  if (!isLengths(offsets) || offsets.length !== 2) {
    throw new BadSubmission(`Expected tensor ${name} to have two data_offsets, got ${JSON.stringify(offsets)?.slice(0, 80)}`);
  }
  return { name, dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}

/** Refuses by the running product, so that no product leaves the exact integers. */
function countElements(name: string, shape: readonly number[], maxElements: number): number {
  const bound = Math.min(maxElements, Number.MAX_SAFE_INTEGER);
  let count = 1;
  for (const length of shape) {
    count *= length;
    if (count > bound) throw new BadSubmission(`Expected tensor ${name} to have at most ${bound} elements, got shape [${shape.join(', ')}]`);
  }
  return count;
}

/** Elements of a tensor. */
export const product = (shape: readonly number[]): number => shape.reduce((count, length) => count * length, 1);

export const isLengths = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && !Object.is(length, -0) && length >= 0);

const isDtype = (name: string): name is Dtype => Object.hasOwn(BYTES, name);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
