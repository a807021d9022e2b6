import type { Ops } from '../engine/engine.ts';
import type { Random } from '../protocol/random.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import type { LanguageConfig } from './config.ts';
import type { Net } from './decoder.ts';
import { type Adapter, type AdapterLayer, loraLayers, loraNames, type LoraConfig } from './lora.ts';
import { mergeAll } from './peft/merge-adapter.ts';
import type { WeightSpec } from './weights.ts';

/** A net whose weights are the inputs of a program. */
export function plainNet<T>(ops: Ops<T>, input: (name: string) => T): Net<T> {
  return { ops, weight: input, linear: (x, module) => ops.matmul(x, input(`${module}.weight`), { transposeB: true }) };
}

/**
 * The same with an adapter: x Wᵀ + scale · (x Aᵀ) Bᵀ in the linear layers that it changes. Whoever takes such a weight
 * itself, as one does a table's or a head's, gets W + scale · B A.
 */
export function adaptedNet<T>(net: Net<T>, config: LanguageConfig, lora: LoraConfig): Net<T> {
  const layers = new Map(loraLayers(config, lora).map((layer) => [layer.module, layer]));
  const { ops } = net;
  const linear = (x: T, module: string): T => {
    const y = net.linear(x, module);
    const layer = layers.get(module);
    if (layer === undefined) return y;
    const { a, b } = loraNames(module);
    const low = ops.mul(ops.matmul(x, net.weight(a), { transposeB: true }), layer.scale);
    return ops.add(y, ops.matmul(low, net.weight(b), { transposeB: true }));
  };
  const weight = (name: string): T => {
    const layer = layers.get(name.replace(/\.weight$/, ''));
    if (layer === undefined) return net.weight(name);
    const { a, b } = loraNames(layer.module);
    return ops.add(net.weight(name), ops.mul(ops.matmul(net.weight(b), net.weight(a)), layer.scale)); // [out, rank] x [rank, in]
  };
  return { ops, weight, linear };
}

/** The adapter's tensors as a program names them. */
export function adapterSpecs(config: LanguageConfig, lora: LoraConfig): Omit<WeightSpec, 'init'>[] {
  return loraLayers(config, lora).flatMap(({ module, in: columns, out, rank }) => {
    const { a, b } = loraNames(module);
    return [{ name: a, shape: [rank, columns] }, { name: b, shape: [out, rank] }];
  });
}

/** An adapter that changes nothing yet: A uniform within 1/√in, B zero, as PEFT begins. */
export function initialAdapter(config: LanguageConfig, lora: LoraConfig, random: Random): Adapter {
  const layers = loraLayers(config, lora).map(({ module, in: columns, out, rank, scale }): [string, AdapterLayer] => {
    const bound = 1 / Math.sqrt(columns);
    const a = Float32Array.from({ length: rank * columns }, () => bound * (2 * random.float() - 1));
    return [module, { a, b: new Float32Array(out * rank), in: columns, out, rank, scale }];
  });
  return { config: lora, layers: new Map(layers) };
}

/**
 * The weights with the adapter merged in: W + scale · B A, summed in float64. Other tensors are shared, not copied.
 * @throws {InvalidInput} naming a weight that the adapter changes and that is not there so
 */
export const mergedWeights = (weights: TensorMap, adapter: Adapter): TensorMap => mergeAll(weights, adapter, 1);
