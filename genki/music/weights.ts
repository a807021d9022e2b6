import { InvalidInput } from '../errors.ts';
import type { Random } from '../protocol/random.ts';
import type { HostTensor, TensorMap } from '../protocol/safetensors.ts';
import { chromaConfig, type DecoderConfig, type LanguageConfig } from './config.ts';

/** How a tensor begins: normal with a standard deviation, or constant. */
export type Init = { readonly kind: 'normal'; readonly std: number } | { readonly kind: 'constant'; readonly value: number };
export type WeightSpec = { readonly name: string; readonly shape: readonly number[]; readonly init: Init };
/** A linear layer without bias, as Hugging Face stores it: weight [out, in]. */
export type LinearSpec = { readonly module: string; readonly in: number; readonly out: number };

export const names = {
  words: 'text_encoder.shared.weight',
  projection: 'enc_to_dec_proj',
  melodyProjection: 'audio_enc_to_dec_proj',
  embedding: (k: number) => `decoder.model.decoder.embed_tokens.${k}.weight`,
  layer: (l: number) => `decoder.model.decoder.layers.${l}`,
  finalNorm: 'decoder.model.decoder.layer_norm',
  head: (k: number) => `decoder.lm_heads.${k}.weight`,
} as const;

const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj', 'out_proj'] as const;
const ONE: Init = { kind: 'constant', value: 1 };
const ZERO: Init = { kind: 'constant', value: 0 };

/** Cross-attention only where it is how the model is told. */
const attentions = ({ told }: DecoderConfig): readonly string[] => (told?.by === 'prefix' ? ['self_attn'] : ['self_attn', 'encoder_attn']);

/** The linear layers of the decoder that an adapter may target, in the order of the computation. */
export function decoderLinears({ decoder }: LanguageConfig): LinearSpec[] {
  const { hiddenSize, ffnDim, numLayers } = decoder;
  return Array.from({ length: numLayers }, (_, l) => names.layer(l)).flatMap((layer) => [
    ...attentions(decoder).flatMap((attention) => PROJECTIONS.map((name) => ({ module: `${layer}.${attention}.${name}`, in: hiddenSize, out: hiddenSize }))),
    { module: `${layer}.fc1`, in: hiddenSize, out: ffnDim },
    { module: `${layer}.fc2`, in: ffnDim, out: hiddenSize },
  ]);
}

/** Every tensor of the model by its Hugging Face name; states from outside bring no text encoder. */
export function weightSpecs(config: LanguageConfig): WeightSpec[] {
  const { vocabSize, hiddenSize, numLayers, numCodebooks } = config.decoder;
  const { text } = config;
  const chroma = chromaConfig(config.decoder);
  const norm = (name: string): WeightSpec[] => [
    { name: `${name}.weight`, shape: [hiddenSize], init: ONE },
    { name: `${name}.bias`, shape: [hiddenSize], init: ZERO },
  ];
  const linear = (name: string, shape: readonly [number, number]): WeightSpec => ({ name, shape, init: { kind: 'normal', std: 0.5 / Math.sqrt(shape[1]) } });
  const projection = (name: string, size: number): WeightSpec[] => [linear(`${name}.weight`, [hiddenSize, size]), { name: `${name}.bias`, shape: [hiddenSize], init: ZERO }];
  const table = (name: string, shape: readonly number[], std: number): WeightSpec => ({ name, shape, init: { kind: 'normal', std } });
  const norms = [...attentions(config.decoder).map((attention) => `${attention}_layer_norm`), 'final_layer_norm'];
  const codebooks = Array.from({ length: numCodebooks }, (_, k) => k);
  return [
    ...(text.kind === 'words' ? [table(names.words, [text.words.length, text.hiddenSize], 1)] : []),
    ...(text.isProjected === false ? [] : projection(names.projection, text.hiddenSize)),
    ...(chroma === undefined || chroma.bins === hiddenSize ? [] : projection(names.melodyProjection, chroma.bins)),
    ...codebooks.map((k) => table(names.embedding(k), [vocabSize + 1, hiddenSize], 0.3)),
    ...decoderLinears(config).map((spec) => linear(`${spec.module}.weight`, [spec.out, spec.in])),
    ...Array.from({ length: numLayers }, (_, l) => norms.flatMap((name) => norm(`${names.layer(l)}.${name}`))).flat(),
    ...norm(names.finalNorm),
    ...codebooks.map((k) => linear(names.head(k), [vocabSize, hiddenSize])),
  ];
}

/** A model that has learnt nothing yet: normal linear layers and tables, norms at 1 and 0. */
export function initialWeights(config: LanguageConfig, random: Random): TensorMap {
  return new Map(weightSpecs(config).map(({ name, shape, init }): [string, HostTensor] => {
    const data = new Float32Array(size(shape));
    if (init.kind === 'constant') data.fill(init.value);
    else for (let i = 0; i < data.length; i++) data[i] = init.std * random.normal();
    return [name, { shape, dtype: 'F32', data }];
  }));
}

/**
 * The model's tensors out of a file that may hold others too, such as an audio codec's.
 * @throws {InvalidInput} naming a tensor that is missing or of another shape or dtype
 */
export function pickWeights(config: LanguageConfig, tensors: TensorMap): TensorMap {
  return new Map(weightSpecs(config).map((spec) => {
    const tensor = tensors.get(spec.name);
    if (tensor === undefined) throw new InvalidInput(`Expected a tensor ${spec.name}, got none`);
    floats(spec, tensor);
    return [spec.name, tensor];
  }));
}

/**
 * The tensor's values, once its shape and kind are what the model has there.
 * @throws {InvalidInput} saying what was expected and found
 */
export function floats(spec: { readonly name: string; readonly shape: readonly number[] }, tensor: HostTensor): Float32Array {
  const { shape, dtype, data } = tensor;
  if (!(data instanceof Float32Array) || !sameShape(shape, spec.shape) || data.length !== size(spec.shape)) {
    throw new InvalidInput(`Expected tensor ${spec.name} to be float [${spec.shape.join(', ')}], got ${dtype} [${shape.join(', ')}]`);
  }
  return data;
}

export const size = (shape: readonly number[]): number => shape.reduce((count, length) => count * length, 1);
export const sameShape = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((n, i) => n === b[i]);
