import { BadSubmission, InvalidInput } from '../errors.ts';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from './half-floats.ts';
import { isLengths, MAX_DIMENSIONS, product } from './safetensors-header.ts';
import type { Dtype, HostTensor } from './safetensors.ts';

/**
 * A tensor's values out of its bytes in a file; of F32, I32, U16 and U8 the same memory.
 * @param own the first bytes of their buffer, and little-endian
 * @throws {BadSubmission} for an integer of more than 32 bits
 */
export function readValues(name: string, dtype: Dtype, { buffer, byteLength }: Uint8Array): HostTensor['data'] {
  switch (dtype) {
    case 'I64':
      return Int32Array.from(new BigInt64Array(buffer, 0, byteLength / 8), (value) => {
        if (value !== BigInt.asIntN(32, value)) throw new BadSubmission(`Expected tensor ${name} to hold integers of 32 bits, got ${value}`);
        return Number(value);
      });
    case 'F32':
      return new Float32Array(buffer, 0, byteLength / 4);
    case 'I32':
      return new Int32Array(buffer, 0, byteLength / 4);
    case 'F16':
      return widenF16(new Uint16Array(buffer, 0, byteLength / 2));
    case 'BF16':
      return widenBF16(new Uint16Array(buffer, 0, byteLength / 2));
    case 'U16':
      return new Uint16Array(buffer, 0, byteLength / 2);
    case 'U8':
      return new Uint8Array(buffer, 0, byteLength);
  }
}

/** @throws {InvalidInput} when a tensor has another number of values than its shape says, or a shape that no file can hold */
export function checkValues(name: string, { shape, data }: HostTensor): void {
  if (!isLengths(shape) || shape.length > MAX_DIMENSIONS || data.length !== product(shape)) {
    throw new InvalidInput(`Expected tensor ${name} to have [${shape.join(', ')}] elements, got ${data.length}`);
  }
}

/**
 * A tensor's bytes in a file.
 * @throws {InvalidInput} when the values are not what the dtype is made of
 */
export function writeValues(name: string, { dtype, data }: HostTensor): Uint8Array {
  if (data instanceof Float32Array) {
    if (dtype === 'F32') return asBytes(data);
    if (dtype === 'F16') return asBytes(narrowF16(data));
    if (dtype === 'BF16') return asBytes(narrowBF16(data));
  }
  if (data instanceof Int32Array) {
    if (dtype === 'I32') return asBytes(data);
    if (dtype === 'I64') return asBytes(BigInt64Array.from(data, BigInt));
  }
  if ((data instanceof Uint16Array && dtype === 'U16') || (data instanceof Uint8Array && dtype === 'U8')) return asBytes(data);
  throw new InvalidInput(`Expected tensor ${name} to hold values of dtype ${dtype}, got a ${data.constructor.name}`);
}

export const asBytes = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
