import { InvalidInput } from '../../../errors.ts';
import { floats, type Init, size, type WeightSpec } from '../../../music/weights.ts';
import type { Random } from '../../../protocol/random.ts';
import type { HostTensor, TensorMap } from '../../../protocol/safetensors.ts';
import { type NanoConfig, patchSize } from './config.ts';
import { SUMMARY_SIZE } from './sound.ts';

export const names = {
  patch: 'audio.patch',
  block: (n: number) => `audio.blocks.${n}`,
  norm: 'audio.norm',
  features: 'audio.features',
  summary: 'audio.summary',
  audioHead: 'audio.head',
  words: 'text.words',
  textHead: 'text.head',
} as const;

/** The row of the table of words behind the last word: what is said of sound that is no music. No caption can say it. */
export const nothingId = ({ text }: NanoConfig): number => text.words.length;

/** Every tensor of the encoder of sound: [out, in] with a bias for a linear layer, gain and bias for a norm. */
export function audioSpecs(config: NanoConfig): WeightSpec[] {
  const { window, audio, dimensions } = config;
  const { hiddenSize: C, features } = audio;
  const P = window.patches;
  return [
    ...linear(names.patch, patchSize(config), C),
    ...Array.from({ length: audio.blocks }, (_, n) => names.block(n)).flatMap((block) => [
      ...norm(`${block}.time_norm`, C),
      ...linear(`${block}.time_fc1`, P, 2 * P),
      ...linear(`${block}.time_fc2`, 2 * P, P),
      ...norm(`${block}.norm`, C),
      ...linear(`${block}.fc1`, C, 2 * C),
      ...linear(`${block}.fc2`, 2 * C, C),
    ]),
    ...norm(names.norm, C),
    ...linear(names.features, 2 * C, features),
    ...linear(names.summary, SUMMARY_SIZE, features),
    ...linear(`${names.audioHead}.fc1`, 3 * features, 2 * features),
    ...linear(`${names.audioHead}.fc2`, 2 * features, dimensions),
  ];
}

/** Every tensor of the encoder of captions. */
export function textSpecs(config: NanoConfig): WeightSpec[] {
  const { hiddenSize } = config.text;
  return [
    { name: `${names.words}.weight`, shape: [nothingId(config) + 1, hiddenSize], init: { kind: 'normal', std: 1 } },
    ...linear(`${names.textHead}.fc1`, hiddenSize, 2 * hiddenSize),
    ...linear(`${names.textHead}.fc2`, 2 * hiddenSize, config.dimensions),
  ];
}

export const nanoSpecs = (config: NanoConfig): WeightSpec[] => [...audioSpecs(config), ...textSpecs(config)];

/** Encoders that have learnt nothing yet. */
export function initialNanoWeights(config: NanoConfig, random: Random): TensorMap {
  return new Map(nanoSpecs(config).map(({ name, shape, init }): [string, HostTensor] => {
    const draw = (): number => (init.kind === 'constant' ? init.value : init.std * random.normal());
    return [name, { shape, dtype: 'F32', data: Float32Array.from({ length: size(shape) }, draw) }];
  }));
}

/**
 * @returns the encoders' tensors, and no others
 * @throws {InvalidInput} naming a tensor that is missing, of another shape or dtype, or not finite
 */
export function pickNanoWeights(config: NanoConfig, tensors: TensorMap): TensorMap {
  return new Map(nanoSpecs(config).map((spec) => {
    const tensor = tensors.get(spec.name);
    if (tensor === undefined) throw new InvalidInput(`Expected a tensor ${spec.name}, got none`);
    const strange = floats(spec, tensor).find((value) => !Number.isFinite(value));
    if (strange !== undefined) throw new InvalidInput(`Expected tensor ${spec.name} to be finite, got ${strange}`);
    return [spec.name, tensor];
  }));
}

const constant = (value: number): Init => ({ kind: 'constant', value });

const linear = (name: string, from: number, to: number): WeightSpec[] => [
  { name: `${name}.weight`, shape: [to, from], init: { kind: 'normal', std: 1 / Math.sqrt(from) } },
  { name: `${name}.bias`, shape: [to], init: constant(0) },
];

const norm = (name: string, width: number): WeightSpec[] => [
  { name: `${name}.weight`, shape: [width], init: constant(1) },
  { name: `${name}.bias`, shape: [width], init: constant(0) },
];
