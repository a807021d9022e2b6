import { InvalidInput } from '../../errors.ts';
import type { HostTensor, TensorMap } from '../../protocol/safetensors.ts';
import type { Adapter, AdapterLayer } from '../lora.ts';
import { floats } from '../weights.ts';

/**
 * One tensor of the model with what the adapter adds to it: W + scale · B A, summed in float64 and rounded once.
 * @returns float32 of the same shape; the tensor itself where the adapter does not change it
 * @throws {InvalidInput} when the adapter changes a weight of another shape or kind
 */
export const mergeInto = (name: string, tensor: HostTensor, adapter: Adapter): HostTensor => changed(name, tensor, { adapter, sign: 1 });

/**
 * One tensor of the merged model without what the adapter added: W' - scale · B A. That is the base's to within half a
 * unit in the last place of the merged value and half a one of its own, and where the merged value is no larger than the
 * base's almost always the base's very bits.
 * @throws {InvalidInput} when the adapter changes a weight of another shape or kind
 */
export const unmergeFrom = (name: string, tensor: HostTensor, adapter: Adapter): HostTensor => changed(name, tensor, { adapter, sign: -1 });

/**
 * The base's weights, out of those that the adapter was merged into. Other tensors are shared, not copied.
 * @throws {InvalidInput} naming a weight that the adapter changes and that is not there so
 */
export const unmergedWeights = (merged: TensorMap, adapter: Adapter): TensorMap => mergeAll(merged, adapter, -1);

/** All weights, once with the adapter (1) and once without it (-1). */
export function mergeAll(weights: TensorMap, adapter: Adapter, sign: 1 | -1): TensorMap {
  const merged = new Map(weights);
  for (const module of adapter.layers.keys()) {
    const name = `${module}${WEIGHT}`;
    const tensor = merged.get(name);
    if (tensor === undefined) throw new InvalidInput(`Expected a weight ${name} to merge into, got none`);
    merged.set(name, changed(name, tensor, { adapter, sign }));
  }
  return merged;
}

/** The layer that the adapter has for a tensor, if any. */
export const layerOf = ({ layers }: Adapter, name: string): AdapterLayer | undefined =>
  name.endsWith(WEIGHT) ? layers.get(name.slice(0, -WEIGHT.length)) : undefined;

const WEIGHT = '.weight';

function changed(name: string, tensor: HostTensor, { adapter, sign }: { adapter: Adapter; sign: 1 | -1 }): HostTensor {
  const layer = layerOf(adapter, name);
  if (layer === undefined) return tensor;
  const shape = [layer.out, layer.in];
  return { shape, dtype: 'F32', data: withUpdate(floats({ name, shape }, tensor), layer, sign) };
}

/** Row by row, so that all reads are of neighbours; each element's sum is still taken in the order of the ranks. */
function withUpdate(base: Float32Array, { a, b, in: columns, out, rank, scale }: AdapterLayer, sign: 1 | -1): Float32Array {
  const data = new Float32Array(base.length);
  const update = new Float64Array(columns);
  const factor = sign * scale;
  const rowOf = (r: number, o: number): Row => ({ factor: b[o * rank + r]!, values: a.subarray(r * columns, (r + 1) * columns) });
  for (let o = 0; o < out; o++) {
    update.fill(0);
    for (let r = 0; r < rank; r += 2) addTwo(update, rowOf(r, o), r + 1 < rank ? rowOf(r + 1, o) : { ...rowOf(r, o), factor: 0 });
    const from = o * columns;
    for (let c = 0; c < columns; c++) data[from + c] = base[from + c]! + factor * update[c]!;
  }
  return data;
}

type Row = { readonly factor: number; readonly values: Float32Array };

/** Two in one pass over the sum, first one and then the other: half the traffic, the same bits. */
function addTwo(sum: Float64Array, { factor: f, values: u }: Row, { factor: g, values: x }: Row): void {
  for (let c = 0; c < sum.length; c++) sum[c] = sum[c]! + f * u[c]! + g * x[c]!;
}
