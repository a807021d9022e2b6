import { InvalidInput } from '../../errors.ts';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from '../../protocol/half-floats.ts';
import type { Dtype, HostTensor } from '../../protocol/safetensors.ts';
import type { TensorSource, TensorSpec } from '../../protocol/tensor-source.ts';
import type { Adapter } from '../lora.ts';
import { sameShape } from '../weights.ts';
import { layerOf, mergeInto } from './merge-adapter.ts';

/** How the weights that change are stored: as float32, or as the base has them, rounded once more. */
export type MergedDtype = 'F32' | 'as in the base';

/**
 * A model with the adapter merged in, tensor by tensor as each is read, so that one as large as the memory can be
 * written. What the adapter does not change comes through as it is; closing it closes the base.
 * @throws {InvalidInput} naming a weight that the adapter changes and that is not there so; on reading, one that the
 *   merge drives out of what its dtype holds
 */
export function mergedSource(base: TensorSource, adapter: Adapter, dtype: MergedDtype = 'F32'): TensorSource {
  for (const [module, { in: columns, out }] of adapter.layers) {
    const spec = base.specs.get(`${module}.weight`);
    if (spec === undefined) throw new InvalidInput(`Expected a weight ${module}.weight to merge into, got none`);
    if (!sameShape(spec.shape, [out, columns])) throw new InvalidInput(`Expected ${module}.weight to be [${out}, ${columns}], got [${spec.shape.join(', ')}]`);
  }
  const dtypeOf = (name: string, spec: TensorSpec): Dtype => (dtype === 'F32' && layerOf(adapter, name) !== undefined ? 'F32' : spec.dtype);
  return {
    specs: new Map([...base.specs].map(([name, spec]) => [name, { dtype: dtypeOf(name, spec), shape: spec.shape }])),
    read: async (name) => {
      const tensor = await base.read(name);
      return layerOf(adapter, name) === undefined ? tensor : rounded(name, mergeInto(name, tensor, adapter), dtypeOf(name, tensor));
    },
    close: () => base.close(),
  };
}

function rounded(name: string, { shape, data }: HostTensor, dtype: Dtype): HostTensor {
  const values = inDtype(data as Float32Array, dtype);
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at !== -1) throw new InvalidInput(`Expected ${name} to hold the adapter in ${dtype}, got ${values[at]} at ${at}`);
  return { shape, dtype, data: values };
}

function inDtype(values: Float32Array, dtype: Dtype): Float32Array {
  if (dtype === 'F16') return widenF16(narrowF16(values));
  if (dtype === 'BF16') return widenBF16(narrowBF16(values));
  return values;
}
