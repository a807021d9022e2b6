import { InvalidInput } from '../errors.ts';
import { decodeSafetensors, encodeSafetensors, type TensorMap } from '../protocol/safetensors.ts';

const VALUE = 'value/';

/**
 * A checkpoint of a run that goes on from other weights: its moments and its steps stay, so that its learning rate goes on
 * along the one schedule, and what was merged into the weights in between is kept.
 * @throws {InvalidInput} naming a weight that is missing, or of another size
 */
export function withWeights(checkpoint: Uint8Array, weights: TensorMap): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(checkpoint);
  const carried = [...tensors].map(([name, tensor]) => {
    if (!name.startsWith(VALUE)) return [name, tensor] as const;
    const weight = weights.get(name.slice(VALUE.length));
    if (weight?.dtype !== 'F32' || weight.data.length !== tensor.data.length) throw new InvalidInput(`Expected ${tensor.data.length} float32 values of ${name.slice(VALUE.length)}, got ${weight ? `${weight.data.length} in ${weight.dtype}` : 'none'}`);
    return [name, { ...tensor, data: weight.data }] as const;
  });
  return encodeSafetensors(new Map(carried), metadata);
}
