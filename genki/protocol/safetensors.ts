import { createHash, type Hash } from 'node:crypto';
import { byName, headerLength, LENGTH_BYTES, readHeader, writeHeader } from './safetensors-header.ts';
import { asBytes, checkValues, readValues, writeValues } from './tensor-values.ts';

/** How a tensor is stored. F16 and BF16 are held as float32 and narrowed, ties to even, on writing; I64 is held in 32 bits. */
export type Dtype = 'I64' | 'F32' | 'I32' | 'F16' | 'BF16' | 'U16' | 'U8';

export type HostTensor = {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  /** Row-major; Float32Array for F32, F16 and BF16, Int32Array for I32 and I64, Uint16Array for U16, Uint8Array for U8. */
  readonly data: Float32Array | Uint8Array | Uint16Array | Int32Array;
};

export type TensorMap = ReadonlyMap<string, HostTensor>;

/** What a reader accepts; checked before anything is allocated. Default: 65,536 tensors and a header of 2²⁴ bytes. */
export type TensorLimits = { readonly maxTensors?: number; readonly maxElements?: number; readonly maxHeaderBytes?: number };

/**
 * A safetensors file. The same tensors and metadata give the same bytes: wide dtypes first, so that each tensor lies
 * aligned, then by name in UTF-16 order; the header is padded with spaces to 8 bytes.
 * @throws {InvalidInput} when a tensor's data do not fit its shape and dtype
 */
export function encodeSafetensors(tensors: TensorMap, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  for (const [name, tensor] of tensors) checkValues(name, tensor);
  const { beginning, names, bodyBytes } = writeHeader(tensors, metadata);
  const file = new Uint8Array(beginning.byteLength + bodyBytes);
  file.set(beginning);
  let to = beginning.byteLength;
  for (const name of names) {
    const body = writeValues(name, tensors.get(name)!);
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
  const bodyAt = LENGTH_BYTES + headerLength({ first: bytes, bytes: bytes.byteLength }, limits);
  const { entries, metadata } = readHeader(bytes.subarray(LENGTH_BYTES, bodyAt), bytes.byteLength - bodyAt, limits);
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape, dtype, begin, end } of entries) {
    tensors.set(name, { shape, dtype, data: readValues(name, dtype, new Uint8Array(bytes.subarray(bodyAt + begin, bodyAt + end))) });
  }
  return { tensors, metadata };
}

/**
 * Base64 sha256 of what the tensors are, whatever file they came in: for each in the order of names, the JSON line
 * `[name, dtype, shape]` and the bytes of the values as held. Finds copies that were renamed or reordered.
 */
export function contentDigest(tensors: TensorMap): string {
  const hash = createHash('sha256');
  for (const [name, tensor] of [...tensors].sort(([a], [b]) => byName(a, b))) hashTensor(hash, name, tensor);
  return hash.digest('base64');
}

/** A tensor's part of the content digest. */
export const hashTensor = (hash: Hash, name: string, { dtype, shape, data }: HostTensor): Hash =>
  hash.update(`${JSON.stringify([name, dtype, shape])}\n`).update(asBytes(data));
