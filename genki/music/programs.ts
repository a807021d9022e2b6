import type { Dim, Ops, Program, TensorSpec } from '../engine/engine.ts';
import { adaptedNet, adapterSpecs, plainNet } from './adapted-net.ts';
import type { DecoderConfig, LanguageConfig } from './config.ts';
import { type CrossStates, Decoder, type DecoderOutput, type KeysValues, type Net } from './decoder.ts';
import type { LoraConfig } from './lora.ts';
import { textInputs, textStates } from './text.ts';
import { weightSpecs } from './weights.ts';

type Inputs<T> = Readonly<Record<string, T>>;
type Size = (dim: Dim) => Dim;
type Specs = Record<string, TensorSpec>;

const float = (...shape: Dim[]): TensorSpec => ({ shape, dtype: 'float32' });
const int = (...shape: Dim[]): TensorSpec => ({ shape, dtype: 'int32' });
const floats = (specs: readonly { name: string; shape: readonly number[] }[]): Specs => Object.fromEntries(specs.map(({ name, shape }) => [name, float(...shape)]));
const sizes = (size: Size) => ({ B: size('B'), T: size('T'), S: size('S') });

/** The weights that only the text needs: their products are computed once a clip and kept. */
export const isTextWeight = (name: string): boolean => /^(text_encoder|enc_to_dec_proj)\.|\.encoder_attn\.[kv]_proj\./.test(name);

function byName<T>(inputs: Inputs<T>): (name: string) => T {
  return (name) => {
    const value = inputs[name];
    if (value === undefined) throw new RangeError(`Expected an input ${name}, got none`);
    return value;
  };
}

const idInputs = ({ numCodebooks }: DecoderConfig): Specs => Object.fromEntries(Array.from({ length: numCodebooks }, (_, k) => [`ids.${k}`, int('B', 'T')]));
const idsOf = <T>({ numCodebooks }: DecoderConfig, input: (name: string) => T): T[] => Array.from({ length: numCodebooks }, (_, k) => input(`ids.${k}`));

/** The inputs of a pass over whole sequences, but for the weights. */
const sequenceInputs = (config: LanguageConfig): Specs => ({
  ...idInputs(config.decoder),
  positions: float('T', config.decoder.hiddenSize),
  causal: float('T', 'T'),
  ...textInputs(config),
});

function forward<T>(config: LanguageConfig, net: Net<T>, input: (name: string) => T, size: Size): DecoderOutput<T> {
  const decoder = new Decoder(net, config.decoder, sizes(size));
  const cross = decoder.crossStates(textStates(config, net, input));
  return decoder.run({ ids: idsOf(config.decoder, input), positions: input('positions'), causalBias: input('causal'), cross });
}

/** All that a pass over whole sequences computes: `logits` [B, T, K, V] and `hidden.<layer>` [B, T, D]. */
export function forwardProgram(config: LanguageConfig): Program {
  return {
    name: 'forward',
    inputs: { ...floats(weightSpecs(config)), ...sequenceInputs(config) },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
      const input = byName(inputs);
      const { hidden, logits } = forward(config, plainNet(ops, input), input, size);
      return { logits, ...Object.fromEntries(hidden.map((x, l) => [`hidden.${l}`, x])) };
    },
  };
}

/** Each label's loss: `nll` [B, T, K] in nats. */
export function scoreProgram(config: LanguageConfig): Program {
  return {
    name: 'score',
    inputs: { ...floats(weightSpecs(config)), ...sequenceInputs(config), labels: int('B', 'T', config.decoder.numCodebooks) },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
      const input = byName(inputs);
      const { logits } = forward(config, plainNet(ops, input), input, size);
      return { nll: ops.negativeLogLikelihood(logits, input('labels')) };
    },
  };
}

/** `loss` of a batch, in nats per code, and its gradients: of the adapter beside frozen weights, or of all weights. */
export function trainProgram(config: LanguageConfig, lora?: LoraConfig): Program {
  const trained = lora === undefined ? weightSpecs(config) : adapterSpecs(config, lora);
  const labelled = (): Specs => ({ labels: int('B', 'T', config.decoder.numCodebooks), weights: float('B', 'T', config.decoder.numCodebooks) });
  return {
    name: lora === undefined ? 'train' : 'train-lora',
    inputs: { ...floats(weightSpecs(config)), ...floats(trained), ...sequenceInputs(config), ...labelled() },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
      const input = byName(inputs);
      const plain = plainNet(ops, input);
      const { logits } = forward(config, lora === undefined ? plain : adaptedNet(plain, config, lora), input, size);
      const nll = ops.negativeLogLikelihood(logits, input('labels'));
      return { loss: ops.sum(ops.mul(nll, input('weights')), [0, 1, 2]) };
    },
    gradients: { of: 'loss', wrt: trained.map(({ name }) => name) },
  };
}

const cacheNames = (config: LanguageConfig, kind: string): { keys: string; values: string }[] =>
  Array.from({ length: config.decoder.numLayers }, (_, l) => ({ keys: `${kind}.${l}.keys`, values: `${kind}.${l}.values` }));

function cacheInputs(config: LanguageConfig, kind: string, length: Dim): Specs {
  const { hiddenSize, numHeads } = config.decoder;
  const spec = float('B', numHeads, length, hiddenSize / numHeads);
  return Object.fromEntries(cacheNames(config, kind).flatMap(({ keys, values }) => [[keys, spec], [values, spec]]));
}

const cached = <T>(config: LanguageConfig, kind: string, input: (name: string) => T): KeysValues<T>[] =>
  cacheNames(config, kind).map(({ keys, values }) => ({ keys: input(keys), values: input(values) }));

const cacheOutputs = <T>(config: LanguageConfig, kind: string, layers: readonly KeysValues<T>[]): Record<string, T> =>
  Object.fromEntries(cacheNames(config, kind).flatMap(({ keys, values }, l) => [[keys, layers[l]!.keys], [values, layers[l]!.values]]));

/** What cross-attention keeps of the text for a whole clip: `cross.<layer>.{keys,values}` [B, H, S, D / H]. */
export function textProgram(config: LanguageConfig): Program {
  return {
    name: 'text',
    inputs: { ...floats(weightSpecs(config).filter(({ name }) => isTextWeight(name))), ...textInputs(config) },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
      const input = byName(inputs);
      const net = plainNet(ops, input);
      const { layers } = new Decoder(net, config.decoder, sizes(size)).crossStates(textStates(config, net, input));
      return cacheOutputs(config, 'cross', layers);
    },
  };
}

/** One more position: `logits` [B, 1, K, V] and, as `present.<layer>.{keys,values}`, the caches `past.…` one position longer. */
export function stepProgram(config: LanguageConfig): Program {
  const { decoder } = config;
  const ids = Object.fromEntries(Object.keys(idInputs(decoder)).map((name) => [name, int('B', 1)]));
  return {
    name: 'step',
    inputs: {
      ...floats(weightSpecs(config).filter(({ name }) => !isTextWeight(name))),
      ...ids,
      positions: float(1, decoder.hiddenSize),
      'text.mask': float('B', 'S'),
      ...cacheInputs(config, 'cross', 'S'),
      ...cacheInputs(config, 'past', 'P'),
    },
    build: <T>(ops: Ops<T>, inputs: Inputs<T>, size: Size) => {
      const input = byName(inputs);
      const model = new Decoder(plainNet(ops, input), decoder, { ...sizes(size), T: 1 });
      const cross: CrossStates<T> = { layers: cached(config, 'cross', input), bias: model.crossBias(input('text.mask')) };
      const { logits, present } = model.run({ ids: idsOf(decoder, input), positions: input('positions'), cross, past: cached(config, 'past', input) });
      return { logits, ...cacheOutputs(config, 'present', present) };
    },
  };
}
