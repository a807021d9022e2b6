import { InvalidInput } from '../../errors.ts';
import type { TensorSource } from '../../protocol/tensor-source.ts';
import { finite } from '../finite.ts';
import { floats } from '../weights.ts';
import type { EncodecConfig } from './config.ts';
import type { Conv, ConvTranspose, Layer, Lstm } from './layers.ts';
import { codebookName } from './quantizer.ts';
import { foldWeightNorm } from './weight-norm.ts';

/** A model's tensors as they lie in its files, without the prefix of their names. */
type Tensors = {
  has(name: string): boolean;
  /** @throws {InvalidInput} when it is missing or of another shape */
  read(name: string, shape: readonly number[]): Promise<Float32Array>;
};

/** One input of a program and how it is made of the files' tensors. */
export type CodecWeight = { readonly name: string; readonly shape: readonly number[]; from(tensors: Tensors): Promise<Float32Array> };

/** Where a weight norm's gain and direction lie: as PyTorch names them now, and as it did before 2.0. */
const WEIGHT_NORMS = [
  ['parametrizations.weight.original0', 'parametrizations.weight.original1'],
  ['weight_g', 'weight_v'],
] as const;

/** What the layers are computed with. */
export const layerWeights = (config: EncodecConfig, layers: readonly Layer[]): CodecWeight[] =>
  layers.flatMap((layer) => {
    switch (layer.kind) {
      case 'elu':
        return [];
      case 'conv':
      case 'convTranspose':
        return convWeights(config, layer);
      case 'lstm':
        return lstmWeights(layer);
      case 'residual':
        return layerWeights(config, [...layer.block, ...(layer.shortcut === undefined ? [] : [layer.shortcut])]);
    }
  });

/** The codebooks, and half of each vector's square. */
export const quantizerWeights = ({ numQuantizers, codebookSize, hiddenSize }: EncodecConfig): CodecWeight[] =>
  Array.from({ length: numQuantizers }, (_, k) => codebookName(k)).flatMap((name) => {
    const embed = plain(`${name}.embed`, [codebookSize, hiddenSize]);
    return [embed, { name: `${name}.halfSquares`, shape: [codebookSize], from: async (tensors) => halfSquares(await embed.from(tensors), hiddenSize) }];
  });

/**
 * Reads weights one after the other, each as float32.
 * @throws {InvalidInput} naming a tensor that is missing, of another shape, or not finite
 */
export async function* readWeights(wanted: readonly CodecWeight[], { weights, prefix }: { weights: TensorSource; prefix: string }): AsyncGenerator<{ name: string; shape: readonly number[]; values: Float32Array }> {
  const tensors: Tensors = {
    has: (name) => weights.specs.has(prefix + name),
    async read(name, shape) {
      if (!this.has(name)) throw new InvalidInput(`Expected a tensor ${prefix}${name}, got none`);
      return floats({ name: prefix + name, shape }, await weights.read(prefix + name));
    },
  };
  for (const { name, shape, from } of wanted) {
    yield { name, shape, values: finite(prefix + name, await from(tensors)) };
  }
}

function convWeights({ normType }: EncodecConfig, layer: Conv | ConvTranspose): CodecWeight[] {
  const { name, out } = layer;
  const shape = layer.kind === 'conv' ? [out, layer.in, layer.kernel] : [layer.in, out, layer.kernel];
  const norm = normType === 'time_group_norm' ? [plain(`${name}.norm.weight`, [out]), plain(`${name}.norm.bias`, [out])] : [];
  return [{ name: `${name}.conv.weight`, shape, from: (tensors) => kernel(tensors, `${name}.conv`, shape) }, plain(`${name}.conv.bias`, [out]), ...norm];
}

async function kernel(tensors: Tensors, module: string, shape: readonly number[]): Promise<Float32Array> {
  const names = WEIGHT_NORMS.find(([gain]) => tensors.has(`${module}.${gain}`));
  if (names === undefined) return await tensors.read(`${module}.weight`, shape);
  const [gain, direction] = names;
  return foldWeightNorm(await tensors.read(`${module}.${gain}`, [shape[0]!, 1, 1]), await tensors.read(`${module}.${direction}`, shape));
}

/** By layer: what multiplies the input, what multiplies the state before, and the sum of both biases. */
function lstmWeights({ name, size, depth }: Lstm): CodecWeight[] {
  const square = [4 * size, size];
  return Array.from({ length: depth }, (_, l): CodecWeight[] => [
    { name: `${name}.${l}.input`, shape: square, from: (tensors) => tensors.read(`${name}.weight_ih_l${l}`, square) },
    { name: `${name}.${l}.hidden`, shape: square, from: (tensors) => tensors.read(`${name}.weight_hh_l${l}`, square) },
    { name: `${name}.${l}.bias`, shape: [4 * size], from: async (tensors) => sum(await tensors.read(`${name}.bias_ih_l${l}`, [4 * size]), await tensors.read(`${name}.bias_hh_l${l}`, [4 * size])) },
  ]).flat();
}

const plain = (name: string, shape: readonly number[]): CodecWeight => ({ name, shape, from: (tensors) => tensors.read(name, shape) });
const sum = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + b[i]!);

function halfSquares(table: Float32Array, width: number): Float32Array {
  return Float32Array.from({ length: table.length / width }, (_, row) => {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += table[i]! * table[i]!;
    return squares / 2;
  });
}
