import { InvalidInput } from '../errors.ts';
import { contentDigest, encodeSafetensors, type TensorMap } from '../protocol/safetensors.ts';

/**
 * A merged Dama as it is kept: the base with the merged weights in their places.
 * @param merged what `mergeWeights` returned
 * @returns the content digest by which validators agree on it, and its safetensors file
 * @throws {InvalidInput} when a merged weight is not one of the base's
 */
export function encodeMerged(base: TensorMap, merged: TensorMap): { digest: string; file: Uint8Array } {
  const stray = [...merged.keys()].find((name) => !base.has(name));
  if (stray !== undefined) throw new InvalidInput(`Expected merged weights of the base, got ${stray}`);
  const tensors = new Map([...base, ...merged]);
  return { digest: contentDigest(tensors), file: encodeSafetensors(tensors) };
}
