import { InvalidInput } from '../../errors.ts';
import { noTensor, type TensorSource } from '../../protocol/tensor-source.ts';
import type { MusicConfig } from '../config.ts';
import type { EncodecConfig } from '../encodec/config.ts';
import { decoderLayers, encoderLayers } from '../encodec/layers.ts';
import { layerWeights, quantizerWeights } from '../encodec/weights.ts';
import { storedName, t5Names, t5Specs } from '../t5/weights.ts';
import { sameShape, weightSpecs } from '../weights.ts';

/** Where a MusicGen's file has its audio codec. */
export const CODEC_PREFIX = 'audio_encoder.';

/** What files hold beside the weights: positions, which are computed anew, and T5's table once more. */
const COPIES = new Set(['decoder.model.decoder.embed_positions.weights', t5Names.tableAgain]);
/** How codebooks were trained, and those that the model does not use. */
const CODEBOOKS = /^audio_encoder\.quantizer\.layers\.\d+\.codebook\.(inited|cluster_size|embed_avg|embed)$/;
const FLOATS: readonly string[] = ['F32', 'F16', 'BF16'];
const NOTHING = new Float32Array(0);

/**
 * Checks a model's tensors by what its files say of them; none is read.
 * @returns the names of tensors that the model has no use for
 * @throws {InvalidInput} naming one that is missing, or of another shape or kind
 */
export async function checkTensors(music: MusicConfig, source: TensorSource): Promise<string[]> {
  const used = new Set<string>();
  const check = (name: string, shape: readonly number[]): void => {
    const spec = source.specs.get(name) ?? noTensor(name);
    if (!FLOATS.includes(spec.dtype) || !sameShape(spec.shape, shape)) {
      throw new InvalidInput(`Expected tensor ${name} to be float [${shape.join(', ')}], got ${spec.dtype} [${spec.shape.join(', ')}]`);
    }
    used.add(name);
  };
  for (const { name, shape } of weightSpecs(music)) check(name, shape);
  for (const { name, shape } of music.textEncoder === undefined ? [] : t5Specs(music.textEncoder)) check(storedName(source, name), shape);
  if (music.codec.kind === 'encodec') await checkCodec(music.codec, (name) => source.specs.has(CODEC_PREFIX + name), (name, shape) => check(CODEC_PREFIX + name, shape));
  return [...source.specs.keys()].filter((name) => !used.has(name) && !COPIES.has(name) && !CODEBOOKS.test(name));
}

/** Goes through the codec's weights as it would to read them, since how they are stored differs from file to file. */
async function checkCodec(config: EncodecConfig, has: (name: string) => boolean, check: (name: string, shape: readonly number[]) => void): Promise<void> {
  const read = async (name: string, shape: readonly number[]): Promise<Float32Array> => {
    check(name, shape);
    return NOTHING;
  };
  for (const weight of [...layerWeights(config, encoderLayers(config)), ...layerWeights(config, decoderLayers(config)), ...quantizerWeights(config)]) await weight.from({ has, read });
}
