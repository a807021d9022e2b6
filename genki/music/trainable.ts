import { InvalidInput } from '../errors.ts';
import { Random } from '../protocol/random.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { adapterSpecs, initialAdapter, mergedWeights } from './adapted-net.ts';
import type { Parameter } from './adamw.ts';
import type { LanguageConfig } from './config.ts';
import { type Adapter, type AdapterLayer, loraLayers, loraNames, type LoraConfig } from './lora.ts';
import { floats, pickWeights, weightSpecs } from './weights.ts';

/** What is trained: an adapter beside frozen weights, or the weights themselves. */
export type Trainable = { readonly kind: 'lora'; readonly lora: LoraConfig; readonly adapter?: Adapter } | { readonly kind: 'full' };

/**
 * The parameters at the start: copies of the weights; or of the adapter, which is a new one where none is given.
 * @throws {InvalidInput} when weights or adapter are not the model's
 */
export function startParameters(config: LanguageConfig, trainable: Trainable, start: { weights: TensorMap; seed: string }): Parameter[] {
  if (trainable.kind === 'full') {
    const weights = pickWeights(config, start.weights);
    return weightSpecs(config).map((spec) => parameter(spec, floats(spec, weights.get(spec.name)!)));
  }
  const { lora, adapter = initialAdapter(config, lora, new Random(`${start.seed}/adapter`)) } = trainable;
  checkLayers(config, lora, adapter);
  const values = new Map([...adapter.layers].flatMap(([module, { a, b }]) => [[loraNames(module).a, a], [loraNames(module).b, b]]));
  return adapterSpecs(config, lora).map((spec) => {
    const value = values.get(spec.name);
    if (value?.length !== spec.shape[0]! * spec.shape[1]!) {
      throw new InvalidInput(`Expected an adapter with ${spec.name} [${spec.shape.join(', ')}], got ${value === undefined ? 'none' : `${value.length} values`}`);
    }
    return parameter(spec, value);
  });
}

/** What training would drop or count otherwise: a layer that the configuration does not have, or another scale of it. */
function checkLayers(config: LanguageConfig, lora: LoraConfig, { layers }: Adapter): void {
  const scales = new Map(loraLayers(config, lora).map(({ module, scale }) => [module, scale]));
  for (const [module, { scale }] of layers) {
    const expected = scales.get(module);
    if (expected !== scale) throw new InvalidInput(`Expected an adapter with ${expected === undefined ? `nothing in ${module}` : `the scale ${expected} in ${module}`}, got the scale ${scale}`);
  }
}

/** The adapter that these parameters are, as a copy. */
export function adapterOf(config: LanguageConfig, lora: LoraConfig, parameters: readonly Parameter[]): Adapter {
  const values = new Map(parameters.map(({ name, value }) => [name, value]));
  const layers = loraLayers(config, lora).map(({ module, in: columns, out, rank, scale }): [string, AdapterLayer] => {
    const { a, b } = loraNames(module);
    return [module, { a: values.get(a)!.slice(), b: values.get(b)!.slice(), in: columns, out, rank, scale }];
  });
  return { config: lora, layers: new Map(layers) };
}

/** All weights as they are now, as copies; an adapter is merged in. */
export function weightsOf(config: LanguageConfig, trainable: Trainable, state: { weights: TensorMap; parameters: readonly Parameter[] }): TensorMap {
  if (trainable.kind === 'lora') return mergedWeights(state.weights, adapterOf(config, trainable.lora, state.parameters));
  return new Map(state.parameters.map(({ name, shape, value }) => [name, { shape, dtype: 'F32' as const, data: value.slice() }]));
}

const parameter = ({ name, shape }: { name: string; shape: readonly number[] }, value: Float32Array): Parameter => ({
  name,
  shape,
  value: value.slice(),
  moment1: new Float32Array(value.length),
  moment2: new Float32Array(value.length),
});
