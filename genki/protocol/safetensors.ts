import { createHash } from 'node:crypto';
import { BadSubmission, InvalidInput } from '../errors.ts';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from './half-floats.ts';
import { isWithin } from './json-bounds.ts';

/** How a tensor is stored. F16 and BF16 are held as float32 and narrowed, ties to even, on writing; I64 is held in 32 bits. */
export type Dtype = 'I64' | 'F32' | 'I32' | 'F16' | 'BF16' | 'U8';

export type HostTensor = {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  /** Row-major; Float32Array for F32, F16 and BF16, Int32Array for I32 and I64, Uint8Array for U8. */
  readonly data: Float32Array | Uint8Array | Int32Array;
};

export type TensorMap = ReadonlyMap<string, HostTensor>;

/** What a reader accepts; checked before anything is allocated. */
export type TensorLimits = { readonly maxTensors?: number; readonly maxElements?: number; readonly maxHeaderBytes?: number };

const BYTES = { I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1 } as const satisfies Record<Dtype, number>;
const MAX_DIMENSIONS = 8;
const LENGTH_BYTES = 8;
const METADATA = '__metadata__';
const HEADER_DEPTH = 3;

/**
 * A safetensors file. The same tensors and metadata give the same bytes: wide dtypes first, so that each tensor lies
 * aligned, then by name in UTF-16 order; the header is padded with spaces to 8 bytes.
 * @throws {InvalidInput} when a tensor's data do not fit its shape and dtype
 */
export function encodeSafetensors(tensors: TensorMap, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const entries = [...tensors].sort(([a, x], [b, y]) => BYTES[y.dtype] - BYTES[x.dtype] || byName(a, b));
  const bodies = entries.map(([name, tensor]) => stored(name, tensor));
  const fields: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) fields.push([METADATA, Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => byName(a, b)))]);
  let at = 0;
  entries.forEach(([name, { dtype, shape }], i) => {
    if (name === METADATA) throw new InvalidInput(`Expected a tensor's name, got ${METADATA}`);
    fields.push([name, { dtype, shape, data_offsets: [at, (at += bodies[i]!.byteLength)] }]);
  });
  // by hand, since an object would reorder names that look like numbers
  const text = `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const header = new TextEncoder().encode(text);
  const headerBytes = Math.ceil(header.byteLength / 8) * 8;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes).set(header, LENGTH_BYTES);
  let to = LENGTH_BYTES + headerBytes;
  for (const body of bodies) {
    file.set(body, to);
    to += body.byteLength;
  }
  return file;
}

/**
 * The tensors of a safetensors file, in the order of their bytes; the data are copies. Every length is checked before it
 * is used: no byte belongs to two tensors or to none. Values are not looked at: NaN and infinity come through.
 * @throws {BadSubmission} naming what was expected and found
 */
export function decodeSafetensors(bytes: Uint8Array, limits: TensorLimits = {}): { tensors: TensorMap; metadata: Record<string, string> } {
  const { maxTensors = 65_536, maxElements = Infinity, maxHeaderBytes = 2 ** 24 } = limits;
  const { text, bodyAt } = headerText(bytes, maxHeaderBytes);
  const { entries, metadata } = readHeader(text, maxTensors);

  let end = 0;
  let elements = 0;
  for (const { name, shape, dtype, begin, end: next } of entries) {
    elements += countElements(name, shape, maxElements);
    if (elements > maxElements) throw new BadSubmission(`Expected at most ${maxElements} elements, got more at tensor ${name}`);
    if (begin !== end) throw new BadSubmission(`Expected tensor ${name} to begin at byte ${end}, got ${begin}`);
    end = begin + product(shape) * BYTES[dtype];
    if (next !== end) throw new BadSubmission(`Expected tensor ${name} (${dtype} [${shape.join(', ')}]) to end at byte ${end}, got ${next}`);
  }
  if (bodyAt + end !== bytes.byteLength) throw new BadSubmission(`Expected ${end} bytes of tensors, got ${bytes.byteLength - bodyAt}`);

  const tensors = new Map<string, HostTensor>();
  for (const { name, shape, dtype, begin, end: stop } of entries) {
    tensors.set(name, { shape, dtype, data: held(name, dtype, new Uint8Array(bytes.subarray(bodyAt + begin, bodyAt + stop))) });
  }
  return { tensors, metadata };
}

/**
 * Base64 sha256 of what the tensors are, whatever file they came in: for each in the order of names, the JSON line
 * `[name, dtype, shape]` and the bytes of the values as held. Finds copies that were renamed or reordered.
 */
export function contentDigest(tensors: TensorMap): string {
  const hash = createHash('sha256');
  for (const [name, { dtype, shape, data }] of [...tensors].sort(([a], [b]) => byName(a, b))) {
    hash.update(`${JSON.stringify([name, dtype, shape])}\n`).update(asBytes(data));
  }
  return hash.digest('base64');
}

type Entry = { readonly name: string; readonly dtype: Dtype; readonly shape: number[]; readonly begin: number; readonly end: number };

function headerText(bytes: Uint8Array, maxHeaderBytes: number): { text: string; bodyAt: number } {
  if (bytes.byteLength < LENGTH_BYTES) throw new BadSubmission(`Expected a safetensors file, got ${bytes.byteLength} bytes`);
  const claimed = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const room = Math.min(maxHeaderBytes, bytes.byteLength - LENGTH_BYTES);
  if (claimed > BigInt(room)) throw new BadSubmission(`Expected a header of at most ${room} bytes, got one of ${claimed}`);
  const bodyAt = LENGTH_BYTES + Number(claimed);
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(LENGTH_BYTES, bodyAt)), bodyAt };
  } catch (cause) {
    throw new BadSubmission('Expected a header in UTF-8, got other bytes', { cause });
  }
}

function readHeader(text: string, maxTensors: number): { entries: Entry[]; metadata: Record<string, string> } {
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

function held(name: string, dtype: Dtype, own: Uint8Array): HostTensor['data'] {
  switch (dtype) {
    case 'I64':
      return Int32Array.from(new BigInt64Array(own.buffer), (value) => {
        if (value !== BigInt.asIntN(32, value)) throw new BadSubmission(`Expected tensor ${name} to hold integers of 32 bits, got ${value}`);
        return Number(value);
      });
    case 'F32':
      return new Float32Array(own.buffer);
    case 'I32':
      return new Int32Array(own.buffer);
    case 'F16':
      return widenF16(new Uint16Array(own.buffer));
    case 'BF16':
      return widenBF16(new Uint16Array(own.buffer));
    case 'U8':
      return own;
  }
}

function stored(name: string, { shape, dtype, data }: HostTensor): Uint8Array {
  if (!isLengths(shape) || shape.length > MAX_DIMENSIONS || data.length !== product(shape)) {
    throw new InvalidInput(`Expected tensor ${name} to have [${shape.join(', ')}] elements, got ${data.length}`);
  }
  if (data instanceof Float32Array) {
    if (dtype === 'F32') return asBytes(data);
    if (dtype === 'F16') return asBytes(narrowF16(data));
    if (dtype === 'BF16') return asBytes(narrowBF16(data));
  }
  if (data instanceof Int32Array) {
    if (dtype === 'I32') return asBytes(data);
    if (dtype === 'I64') return asBytes(BigInt64Array.from(data, BigInt));
  }
  if (data instanceof Uint8Array && dtype === 'U8') return asBytes(data);
  throw new InvalidInput(`Expected tensor ${name} to hold values of dtype ${dtype}, got a ${data.constructor.name}`);
}

const product = (shape: readonly number[]): number => shape.reduce((count, length) => count * length, 1);
const asBytes = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const isDtype = (name: string): name is Dtype => Object.hasOwn(BYTES, name);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isLengths = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && !Object.is(length, -0) && length >= 0);
