import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../protocol/safetensors.ts';

// Files that a careless reader dies of, or merges into the Dama. Every length is checked before it is used, every value
// before it counts, and who hands one in is `rejected`.

/** The first half of a file. */
export const truncated = (bytes: Uint8Array): Uint8Array => bytes.slice(0, bytes.length >> 1);

/** A file with so many bytes behind its end. */
export function oversized(bytes: Uint8Array, more: number): Uint8Array {
  const file = new Uint8Array(bytes.length + more);
  file.set(bytes);
  return file;
}

/** A safetensors file whose header claims to be longer than the file, by far. */
export function lyingHeader(bytes: Uint8Array): Uint8Array {
  const lie = bytes.slice();
  new DataView(lie.buffer).setBigUint64(0, 2n ** 60n, true);
  return lie;
}

/** A safetensors file whose last float is not a number: one of it in a mean makes all of the mean so. */
export const withNaN = (bytes: Uint8Array): Uint8Array => withLastFloat(bytes, NaN);

/** A safetensors file whose last float is infinite. */
export const withInfinity = (bytes: Uint8Array): Uint8Array => withLastFloat(bytes, Infinity);

/** The first tensor with its first two lengths exchanged: as many values as expected, in another shape. */
export const wrongShape = (bytes: Uint8Array): Uint8Array => withFirstTensor(bytes, (tensor) => ({ ...tensor, shape: [...tensor.shape.slice(0, 2).reverse(), ...tensor.shape.slice(2)] }));

/** The first tensor in half floats. */
export const wrongDtype = (bytes: Uint8Array): Uint8Array => withFirstTensor(bytes, (tensor) => ({ ...tensor, dtype: 'F16' }));

function withLastFloat(bytes: Uint8Array, value: number): Uint8Array {
  const poisoned = bytes.slice();
  new DataView(poisoned.buffer).setFloat32(poisoned.length - 4, value, true);
  return poisoned;
}

function withFirstTensor(bytes: Uint8Array, change: (tensor: HostTensor) => HostTensor): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const [[name, tensor]] = [...tensors] as [[string, HostTensor]];
  return encodeSafetensors(new Map([...tensors, [name, change(tensor)]]), metadata);
}
