import { BadSubmission, InvalidInput } from '../errors.ts';
import type { LanguageConfig } from '../music/config.ts';
import { weightSpecs } from '../music/weights.ts';
import type { HostTensor, TensorMap } from '../protocol/safetensors.ts';

/** Where one tensor lies in the flat vector of all of a model's weights. */
export type Place = { readonly name: string; readonly shape: readonly number[]; readonly offset: number; readonly size: number };

/** All weights of a model as one vector, in the model's tensor order: what is exchanged, aggregated and added. */
export type Layout = { readonly places: readonly Place[]; readonly size: number };

export function layoutOf(config: LanguageConfig): Layout {
  let offset = 0;
  const places = weightSpecs(config).map(({ name, shape }): Place => {
    const size = shape.reduce((product, length) => product * length, 1);
    const place = { name, shape, offset, size };
    offset += size;
    return place;
  });
  return { places, size: offset };
}

/** The weights one after the other, as a copy. @throws {InvalidInput} naming one that is missing or of another size or dtype */
export function flatten({ places, size }: Layout, weights: TensorMap): Float32Array {
  const flat = new Float32Array(size);
  for (const place of places) {
    const data = weights.get(place.name)?.data;
    if (!(data instanceof Float32Array) || data.length !== place.size) throw new InvalidInput(`Expected ${place.size} float32 values of ${place.name}, got ${data === undefined ? 'none' : `${data.length} of another kind`}`);
    flat.set(data, place.offset);
  }
  return flat;
}

/** The tensors of a flat vector, which share its memory. */
export function unflatten({ places, size }: Layout, flat: Float32Array): TensorMap {
  if (flat.length !== size) throw new InvalidInput(`Expected ${size} values of a model, got ${flat.length}`);
  return new Map(places.map(({ name, shape, offset, size: length }): [string, HostTensor] => [name, { shape, dtype: 'F32', data: flat.subarray(offset, offset + length) }]));
}

/** Euclidean norm, summed in float64. @throws {BadSubmission} when a value is not finite */
export function normOf(update: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < update.length; i++) sum += update[i]! * update[i]!;
  if (!Number.isFinite(sum)) throw new BadSubmission('Expected an update of finite values, got one that is not');
  return Math.sqrt(sum);
}
