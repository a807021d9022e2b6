import { InvalidInput } from '../../errors.ts';
import type { TensorSource } from '../../protocol/tensor-source.ts';
import type { T5Config } from './config.ts';

export type T5WeightSpec = { readonly name: string; readonly shape: readonly number[] };

/** Where a MusicGen file has the encoder. */
const PREFIX = 'text_encoder';

export const t5Names = {
  table: `${PREFIX}.shared.weight`,
  /** The table again, under which name alone some files have it. */
  tableAgain: `${PREFIX}.encoder.embed_tokens.weight`,
  attention: (l: number) => `${PREFIX}.encoder.block.${l}.layer.0`,
  feedForward: (l: number) => `${PREFIX}.encoder.block.${l}.layer.1`,
  /** Of the first layer, for all of them. */
  bias: `${PREFIX}.encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight`,
  finalNorm: `${PREFIX}.encoder.final_layer_norm.weight`,
} as const;

/** Every tensor of the encoder, as Hugging Face names and shapes them: linear layers [out, in], none with a bias. */
export function t5Specs(config: T5Config): T5WeightSpec[] {
  const { vocabSize, hiddenSize, headSize, numHeads, numLayers, ffnDim, relativeBuckets, isGated } = config;
  const inner = numHeads * headSize;
  const spec = (name: string, ...shape: number[]): T5WeightSpec => ({ name, shape });
  const layer = (l: number): T5WeightSpec[] => [
    spec(`${t5Names.attention(l)}.layer_norm.weight`, hiddenSize),
    ...['q', 'k', 'v'].map((name) => spec(`${t5Names.attention(l)}.SelfAttention.${name}.weight`, inner, hiddenSize)),
    spec(`${t5Names.attention(l)}.SelfAttention.o.weight`, hiddenSize, inner),
    spec(`${t5Names.feedForward(l)}.layer_norm.weight`, hiddenSize),
    ...(isGated ? ['wi_0', 'wi_1'] : ['wi']).map((name) => spec(`${t5Names.feedForward(l)}.DenseReluDense.${name}.weight`, ffnDim, hiddenSize)),
    spec(`${t5Names.feedForward(l)}.DenseReluDense.wo.weight`, hiddenSize, ffnDim),
  ];
  return [
    spec(t5Names.table, vocabSize, hiddenSize),
    spec(t5Names.bias, relativeBuckets, numHeads),
    ...Array.from({ length: numLayers }, (_, l) => layer(l)).flat(),
    spec(t5Names.finalNorm, hiddenSize),
  ];
}

/**
 * The name under which a model has this tensor.
 * @throws {InvalidInput} when it has none
 */
export function storedName({ specs }: TensorSource, name: string): string {
  if (specs.has(name)) return name;
  if (name === t5Names.table && specs.has(t5Names.tableAgain)) return t5Names.tableAgain;
  throw new InvalidInput(`Expected a tensor ${name}, got none`);
}
