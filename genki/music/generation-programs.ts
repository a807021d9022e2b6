import type { Dim, Fixed, Ops, Program } from '../engine/engine.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { plainNet } from './adapted-net.ts';
import { chromaConfig, type LanguageConfig } from './config.ts';
import { Decoder, joined, type KeysValues, type Told } from './decoder.ts';
import { byName, float, idInputs, idsOf, type Inputs, layerLength, type Size, sizes, type Specs } from './program-inputs.ts';
import { textInputs, textStates } from './text.ts';
import { floats, names, pickWeights, weightSpecs } from './weights.ts';

/** A model's weights as the two programs take them, which are compiled with them. */
export type GenerationWeights = { readonly text: Fixed; readonly compose: Fixed };

/** All codebooks' heads in one matrix. */
const HEADS = 'decoder.lm_heads';
const isHead = (name: string): boolean => name.startsWith(`${HEADS}.`);

/** The weights that only the text needs: their products are computed once a clip and kept. */
const isTextWeight = (name: string): boolean => /^(text_encoder|(audio_)?enc_to_dec_proj)\.|\.encoder_attn\.[kv]_proj\./.test(name);

/** @throws {InvalidInput} naming a weight that is missing or of another shape */
export function generationWeights(config: LanguageConfig, weights: TensorMap): GenerationWeights {
  const own = pickWeights(config, weights);
  const specs = weightSpecs(config);
  const fixed = (wanted: (name: string) => boolean): Fixed => Object.fromEntries(specs.filter(({ name }) => wanted(name)).map((spec) => [spec.name, { values: floats(spec, own.get(spec.name)!), shape: spec.shape }]));
  return { text: fixed(isTextWeight), compose: { ...fixed((name) => !isTextWeight(name) && !isHead(name)), [HEADS]: joinedHeads(config, own) } };
}

function joinedHeads({ decoder }: LanguageConfig, weights: TensorMap): Fixed[string] {
  const { numCodebooks, vocabSize, hiddenSize } = decoder;
  const values = new Float32Array(numCodebooks * vocabSize * hiddenSize);
  for (let k = 0; k < numCodebooks; k++) values.set(weights.get(names.head(k))!.data as Float32Array, k * vocabSize * hiddenSize);
  return { values, shape: [numCodebooks * vocabSize, hiddenSize] };
}

/** Weights of a model that is too small for two threads: sharing its products takes longer than computing them. */
const SMALL_BYTES = 2 ** 24;

const threadsFor = (weights: Fixed): Pick<Program, 'threads'> => (Object.values(weights).reduce((bytes, { values }) => bytes + values.byteLength, 0) < SMALL_BYTES ? { threads: 1 } : {});

const specsOf = (fixed: Fixed): Specs => Object.fromEntries(Object.entries(fixed).map(([name, { shape }]) => [name, float(...shape)]));

/** Names of the keys and values of every layer, of one kind of cache. */
export const cacheNames = ({ decoder }: LanguageConfig, kind: CacheKind): { keys: string; values: string }[] =>
  Array.from({ length: decoder.numLayers }, (_, l) => ({ keys: `${kind}.${l}.keys`, values: `${kind}.${l}.values` }));

export type CacheKind = 'cross' | 'settled' | 'recent' | 'present';

function cacheInputs(config: LanguageConfig, kind: CacheKind, length: Dim): Specs {
  const { hiddenSize, numHeads } = config.decoder;
  const spec = float('B', numHeads, length, hiddenSize / numHeads);
  return Object.fromEntries(cacheNames(config, kind).flatMap(({ keys, values }) => [[keys, spec], [values, spec]]));
}

const cached = <T>(config: LanguageConfig, kind: CacheKind, input: (name: string) => T): KeysValues<T>[] =>
  cacheNames(config, kind).map(({ keys, values }) => ({ keys: input(keys), values: input(values) }));

const cacheOutputs = <T>(config: LanguageConfig, kind: CacheKind, layers: readonly KeysValues<T>[]): Record<string, T> =>
  Object.fromEntries(cacheNames(config, kind).flatMap(({ keys, values }, l) => [[keys, layers[l]!.keys], [values, layers[l]!.values]]));

/**
 * What is computed of the text once for a whole clip: what cross-attention keeps, `cross.<layer>.{keys,values}`
 * [B, H, S, D / H]; or the positions that stand before the music, `prefix` [B, Q, D].
 */
export const textProgram = (config: LanguageConfig, weights: Fixed): Program => ({
  name: 'text',
  inputs: { ...specsOf(weights), ...textInputs(config) },
  build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
    const input = byName(inputs);
    const net = plainNet(ops, input);
    const told = new Decoder(net, config.decoder, sizes(size, config.decoder)).told(textStates(config, net, input));
    return told.cross === undefined ? { prefix: told.prefix } : cacheOutputs(config, 'cross', told.cross.layers);
  },
});

/**
 * Some more positions: `logits` [B, T, K, V] and, as `present.<layer>.{keys,values}`, the `recent` caches with them.
 * Only those are copied; the positions before them, `settled`, are read where they are. A prefix goes before the first
 * positions; before later ones it is empty.
 */
export const composeProgram = (config: LanguageConfig, weights: Fixed): Program => ({
  name: 'compose',
  ...threadsFor(weights),
  inputs: {
    ...specsOf(weights),
    ...idInputs(config.decoder),
    positions: float(layerLength(config.decoder), config.decoder.hiddenSize),
    causal: float(layerLength(config.decoder), 'N'),
    ...toldInputs(config),
    ...cacheInputs(config, 'recent', 'R'),
    ...cacheInputs(config, 'settled', 'P'),
  },
  build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
    const input = byName(inputs);
    const model = new Decoder({ ...plainNet(ops, input), heads: input(HEADS) }, config.decoder, sizes(size, config.decoder));
    const told: Told<T> = chromaConfig(config.decoder) ? { prefix: input('prefix') } : { cross: { layers: cached(config, 'cross', input), bias: model.crossBias(input('text.mask')) } };
    const settled = cached(config, 'settled', input);
    const past = cached(config, 'recent', input).map((recent, l) => ({ recent, settled: settled[l]! }));
    const { logits, present } = model.run({ ids: idsOf(config.decoder, input), positions: input('positions'), causalBias: input('causal'), ...told, past });
    return { logits, ...cacheOutputs(config, 'present', present) };
  },
});

const toldInputs = (config: LanguageConfig): Specs =>
  chromaConfig(config.decoder) ? { prefix: float('B', 'Q', config.decoder.hiddenSize) } : { 'text.mask': float('B', 'S'), ...cacheInputs(config, 'cross', 'S') };

/** The recent caches behind the settled ones, as `settled.<layer>.{keys,values}`. */
export const settleProgram = (config: LanguageConfig): Program => ({
  name: 'settle',
  grows: true,
  inputs: { ...cacheInputs(config, 'settled', 'P'), ...cacheInputs(config, 'recent', 'R') },
  build: <T>(ops: Ops<T>, inputs: Inputs<T>) => {
    const input = byName(inputs);
    const recent = cached(config, 'recent', input);
    return cacheOutputs(config, 'settled', cached(config, 'settled', input).map((settled, l) => joined(ops, settled, recent[l]!)));
  },
});
