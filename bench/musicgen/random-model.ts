import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MusicConfig, readMusicConfig } from '../../genki/music/config.ts';
import { decoderLayers, encoderLayers } from '../../genki/music/encodec/layers.ts';
import { layerWeights, quantizerWeights } from '../../genki/music/encodec/weights.ts';
import { CODEC_PREFIX } from '../../genki/music/musicgen/model-tensors.ts';
import { t5Specs } from '../../genki/music/t5/weights.ts';
import { type Init, size as elementsOf, weightSpecs } from '../../genki/music/weights.ts';
import { Random } from '../../genki/protocol/random.ts';
import { encodeSafetensors, type HostTensor } from '../../genki/protocol/safetensors.ts';
import { configJson, generationConfigJson } from './config-json.ts';
import type { Size } from './sizes.ts';

type Spec = { readonly name: string; readonly shape: readonly number[]; readonly init: Init };

/** Values of one file at most, so that writing takes little memory; a larger tensor has a file to itself. */
const SHARD = 2 ** 24;
const BEGINNING: Init = { kind: 'normal', std: 0.05 };

/**
 * Writes a MusicGen of random weights as Hugging Face lays one out, in shards; the same size gives the same weights.
 * @param shard values of one file at most
 * @returns its configuration
 */
export async function writeRandomModel(folder: string, size: Size, { shard = SHARD }: { shard?: number } = {}): Promise<MusicConfig> {
  await mkdir(folder, { recursive: true });
  const config = configJson(size);
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'generation_config.json'), JSON.stringify(generationConfigJson(size)));
  const music = readMusicConfig(config);
  const random = new Random(`bench/${size.name}`);
  const shards = shardsOf([...weightSpecs(music), ...(await besideSpecs(music))], shard);
  const nameOf = (i: number): string => `model-${String(i + 1).padStart(5, '0')}-of-${String(shards.length).padStart(5, '0')}.safetensors`;
  for (const [i, specs] of shards.entries()) {
    await writeFile(join(folder, nameOf(i)), encodeSafetensors(new Map(specs.map((spec) => [spec.name, drawn(spec, random)])), { format: 'pt' }));
  }
  const weightMap = Object.fromEntries(shards.flatMap((specs, i) => specs.map(({ name }) => [name, nameOf(i)])));
  const bytes = Float32Array.BYTES_PER_ELEMENT * shards.flat().reduce((sum, { shape }) => sum + elementsOf(shape), 0);
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: { total_size: bytes }, weight_map: weightMap }));
  return music;
}

/** What the language model is not: the text encoder, and the codec as its own reader goes through it. */
async function besideSpecs({ textEncoder, codec }: MusicConfig): Promise<Spec[]> {
  if (textEncoder === undefined || codec.kind !== 'encodec') throw new RangeError('Expected a model of T5 and EnCodec, got another');
  const found: Spec[] = t5Specs(textEncoder).map((spec) => ({ ...spec, init: BEGINNING }));
  const read = async (name: string, shape: readonly number[]): Promise<Float32Array> => {
    if (!found.some((spec) => spec.name === CODEC_PREFIX + name)) found.push({ name: CODEC_PREFIX + name, shape, init: BEGINNING });
    return new Float32Array(elementsOf(shape));
  };
  const weights = [...layerWeights(codec, encoderLayers(codec)), ...layerWeights(codec, decoderLayers(codec)), ...quantizerWeights(codec)];
  for (const weight of weights) await weight.from({ has: () => true, read });
  return found;
}

function shardsOf(specs: readonly Spec[], most: number): Spec[][] {
  const shards: Spec[][] = [];
  let room = 0;
  for (const spec of specs) {
    const values = elementsOf(spec.shape);
    if (values > room) {
      shards.push([]);
      room = most;
    }
    shards.at(-1)!.push(spec);
    room -= values;
  }
  return shards;
}

/** Uniform with the standard deviation that the model begins with: ten times as fast as normal, and nothing here tells the two apart. */
function drawn({ shape, init }: Spec, random: Random): HostTensor {
  const data = new Float32Array(elementsOf(shape));
  if (init.kind === 'constant') data.fill(init.value);
  else for (let i = 0; i < data.length; i++) data[i] = init.std * Math.sqrt(12) * (random.float() - 0.5);
  return { shape, dtype: 'F32', data };
}
