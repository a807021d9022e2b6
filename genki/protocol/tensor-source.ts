import { createHash } from 'node:crypto';
import { InvalidInput } from '../errors.ts';
import { byName, type Described } from './safetensors-header.ts';
import { hashTensor, type HostTensor, type TensorMap } from './safetensors.ts';

/** Tensors that lie elsewhere until they are asked for: a model's files, of which only a part is in memory at a time. */
export interface TensorSource {
  readonly specs: ReadonlyMap<string, TensorSpec>;
  /**
   * One tensor, read anew at each call.
   * @throws {InvalidInput} when there is none of this name
   */
  read(name: string): Promise<HostTensor>;
  close(): Promise<void>;
}

/** As the file has it; what is read of F16 and BF16 is held as float32. */
export type TensorSpec = Described;

/** Tensors that are in memory already. */
export const sourceOf = (tensors: TensorMap): TensorSource => ({
  specs: tensors,
  read: async (name) => tensors.get(name) ?? noTensor(name),
  close: async () => {},
});

/** `contentDigest` of all the tensors, of which one at a time is in memory. */
export async function contentDigestOf(source: TensorSource): Promise<string> {
  const hash = createHash('sha256');
  for (const name of [...source.specs.keys()].sort(byName)) hashTensor(hash, name, await source.read(name));
  return hash.digest('base64');
}

export function noTensor(name: string): never {
  throw new InvalidInput(`Expected a tensor ${name}, got none`);
}
