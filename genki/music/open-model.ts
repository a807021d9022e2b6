import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { InvalidInput } from '../errors.ts';
import { openSafetensors } from '../protocol/open-safetensors.ts';
import type { HostTensor, TensorMap } from '../protocol/safetensors.ts';
import { parseSmallFile, readSmallFile } from '../protocol/small-file.ts';
import { contentDigestOf, type TensorSource } from '../protocol/tensor-source.ts';
import { apuCodec } from './apu/apu-codec.ts';
import type { Codec } from './codec.ts';
import { type Conditioner, wordConditioner } from './conditioner.ts';
import { type LanguageConfig, type MusicConfig, readMusicConfig } from './config.ts';
import { encodecCodec } from './encodec/encodec-codec.ts';
import { finite } from './finite.ts';
import { checkTensors, CODEC_PREFIX } from './musicgen/model-tensors.ts';
import { stereoCodec } from './stereo-codec.ts';
import { t5Conditioner } from './t5/t5-conditioner.ts';
import type { TokenizerFiles } from './t5/tokenizer.ts';
import { floats, weightSpecs } from './weights.ts';

/** A music model and where its tensors lie. */
export type Model = { readonly music: MusicConfig; readonly weights: TensorSource; readonly tokenizer?: TokenizerFiles };

export type OpenModel = Model & {
  /** Names of tensors that its files hold and the model has no use for. */
  readonly strangers: readonly string[];
  /** Content digest of all its tensors, however they are spread over files: the Dama's. Reads them all, once. */
  digest(): Promise<string>;
  close(): Promise<void>;
};

const MAX_CONFIG_BYTES = 2 ** 20;

/**
 * A Dama's folder, or that of a MusicGen as Hugging Face lays it out: `config.json`, the tensors as safetensors in one
 * file or in shards and, where T5 is told captions, `tokenizer.json` and `tokenizer_config.json`. The tensors' names and
 * shapes are checked now; they are read when they are asked for.
 * @throws {InvalidInput} naming the file, the field or the tensor that is missing or wrong
 */
export async function openModel(folder: string): Promise<OpenModel> {
  const path = join(folder, 'config.json');
  const config = await readSmallFile(path, MAX_CONFIG_BYTES);
  if (config === undefined) throw new InvalidInput(`Expected ${path}, got none`);
  const music = readMusicConfig(parseSmallFile(config, path));
  const tokenizer = music.text.kind === 'words' ? undefined : await tokenizerIn(folder);
  const weights = await openSafetensors(folder);
  try {
    const strangers = await checkTensors(music, weights);
    let digest: Promise<string> | undefined;
    return { music, weights, ...(tokenizer && { tokenizer }), strangers, digest: () => (digest ??= contentDigestOf(weights)), close: () => weights.close() };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

/** What turns the model's codes into sound and back; its weights are read when they are first needed. */
export function openCodec(engine: Engine, { music: { codec, decoder }, weights }: Model): Codec {
  const stream = codec.kind === 'apu' ? apuCodec(codec) : encodecCodec(engine, { config: codec, weights, prefix: CODEC_PREFIX });
  return decoder.channels === 2 ? stereoCodec(stream) : stream;
}

/**
 * What makes of captions what the model is told; its weights are read when they are first needed.
 * @throws {InvalidInput} when the model has no text encoder, or its folder no tokenizer
 */
export function openConditioner(engine: Engine, { music: { text, textEncoder }, weights, tokenizer }: Model): Conditioner {
  if (text.kind === 'words') return wordConditioner(text);
  if (textEncoder === undefined) throw new InvalidInput("Expected a model with a text encoder, got one that is told another model's states");
  if (tokenizer === undefined) {
    throw new InvalidInput(`Expected tokenizer.json and tokenizer_config.json beside the model's config.json, got none: put those of its text encoder there, as AutoTokenizer's save_pretrained writes them`);
  }
  return t5Conditioner(engine, { config: textEncoder, weights, tokenizer });
}

/**
 * The language model's tensors and no others, as float32, read one by one: of more memory than they take, at most one
 * of them as it is stored.
 * @throws {InvalidInput} naming a tensor that is missing, of another shape or kind, or not finite
 */
export async function languageWeights({ music, weights }: { readonly music: LanguageConfig; readonly weights: TensorSource }): Promise<TensorMap> {
  const tensors = new Map<string, HostTensor>();
  for (const spec of weightSpecs(music)) tensors.set(spec.name, { shape: spec.shape, dtype: 'F32', data: finite(spec.name, floats(spec, await weights.read(spec.name))) });
  return tensors;
}

async function tokenizerIn(folder: string): Promise<TokenizerFiles | undefined> {
  const [json, config] = [await readSmallFile(join(folder, 'tokenizer.json')), await readSmallFile(join(folder, 'tokenizer_config.json'))];
  return json === undefined || config === undefined ? undefined : { json, config };
}
