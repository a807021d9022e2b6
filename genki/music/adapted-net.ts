import type { Ops } from '../engine/engine.ts';
import { InvalidInput } from '../errors.ts';
import type { Random } from '../protocol/random.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import type { LanguageConfig } from './config.ts';
import type { Net } from './decoder.ts';
import { type Adapter, type AdapterLayer, loraNames, loraScale, type LoraConfig, targetLinears } from './lora.ts';
import { floats, type WeightSpec } from './weights.ts';

/** A net whose weights are the inputs of a program. */
export function plainNet<T>(ops: Ops<T>, input: (name: string) => T): Net<T> {
  return { ops, weight: input, linear: (x, module) => ops.matmul(x, input(`${module}.weight`), { transposeB: true }) };
}

/** The same with an adapter beside its target layers: x Wᵀ + scale · (x Aᵀ) Bᵀ. */
export function adaptedNet<T>(net: Net<T>, config: LanguageConfig, lora: LoraConfig): Net<T> {
  const targets = new Set(targetLinears(config, lora).map(({ module }) => module));
  const { ops, weight } = net;
  const linear = (x: T, module: string): T => {
    const y = net.linear(x, module);
    if (!targets.has(module)) return y;
    const { a, b } = loraNames(module);
    const low = ops.mul(ops.matmul(x, weight(a), { transposeB: true }), loraScale(lora));
    return ops.add(y, ops.matmul(low, weight(b), { transposeB: true }));
  };
  return { ops, weight, linear };
}

/** The adapter's tensors as a program names them. */
export function adapterSpecs(config: LanguageConfig, lora: LoraConfig): Omit<WeightSpec, 'init'>[] {
  return targetLinears(config, lora).flatMap(({ module, in: columns, out }) => {
    const { a, b } = loraNames(module);
    return [{ name: a, shape: [lora.rank, columns] }, { name: b, shape: [out, lora.rank] }];
  });
}

/** An adapter that changes nothing yet: A uniform within 1/√in, B zero, as PEFT begins. */
export function initialAdapter(config: LanguageConfig, lora: LoraConfig, random: Random): Adapter {
  const { rank } = lora;
  const layers = targetLinears(config, lora).map(({ module, in: columns, out }): [string, AdapterLayer] => {
    const bound = 1 / Math.sqrt(columns);
    const a = Float32Array.from({ length: rank * columns }, () => bound * (2 * random.float() - 1));
    return [module, { a, b: new Float32Array(out * rank), in: columns, out, rank, scale: loraScale(lora) }];
  });
  return { config: lora, layers: new Map(layers) };
}

/**
 * The weights with the adapter merged in: W + scale · B A, summed in float64. Other tensors are shared, not copied.
 * @throws {InvalidInput} naming a weight that the adapter changes and that is not there so
 */
export function mergedWeights(weights: TensorMap, { layers }: Adapter): TensorMap {
  const merged = new Map(weights);
  for (const [module, layer] of layers) {
    const name = `${module}.weight`;
    const base = merged.get(name);
    if (base === undefined) throw new InvalidInput(`Expected a weight ${name} to merge into, got none`);
    const shape = [layer.out, layer.in];
    merged.set(name, { shape, dtype: 'F32', data: withUpdate(floats({ name, shape }, base), layer) });
  }
  return merged;
}

function withUpdate(base: Float32Array, { a, b, in: columns, out, rank, scale }: AdapterLayer): Float32Array {
  const data = new Float32Array(base.length);
  for (let o = 0; o < out; o++) {
    for (let c = 0; c < columns; c++) {
      let update = 0;
      for (let r = 0; r < rank; r++) update += b[o * rank + r]! * a[r * columns + c]!;
      data[o * columns + c] = base[o * columns + c]! + scale * update;
    }
  }
  return data;
}
