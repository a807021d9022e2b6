import type { ClapAudioModelWithProjection, ClapFeatureExtractor, ClapTextModelWithProjection, PreTrainedTokenizer, Tensor } from '@huggingface/transformers';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { EngineError, InvalidInput } from '../../errors.ts';

/** What the networks hear at once: ten seconds at 48 kHz. */
export const WINDOW = 480_000;
export const SAMPLE_RATE = 48_000;
/** Frames and mel bands of a window. */
const FEATURES = [1001, 64] as const;
/** LAION cuts captions here, in training as in use. */
const MAX_TOKENS = 77;

/** Hugging Face's files hold much more; these decide what is computed. */
const Config = z.object({
  model_type: z.literal('clap'),
  projection_dim: z.int().positive(),
  audio_config: z.object({ enable_fusion: z.literal(false).default(false) }),
});
/** Under any other settings transformers.js 4.3.1 crops by chance, throws, or pads wrongly: it is never given another length than `WINDOW`. */
const Preprocessor = z.object({
  feature_extractor_type: z.literal('ClapFeatureExtractor'),
  sampling_rate: z.literal(SAMPLE_RATE),
  nb_max_samples: z.literal(WINDOW),
  hop_length: z.literal(WINDOW / (FEATURES[0] - 1)),
  feature_size: z.literal(FEATURES[1]),
  truncation: z.literal('rand_trunc'),
});

type Library = typeof import('@huggingface/transformers');
type Parts = {
  readonly library: Library;
  readonly extractor: ClapFeatureExtractor;
  readonly tokenizer: PreTrainedTokenizer;
  readonly sound: ClapAudioModelWithProjection;
  readonly words: ClapTextModelWithProjection;
  readonly dimensions: number;
};

/**
 * LAION-CLAP's two networks with what prepares their inputs, by transformers.js on onnxruntime: float32, on the CPU, one
 * window or caption at a time, so that neither depends on what else is asked for. A run blocks the event loop of its thread.
 */
export class LaionNetwork {
  readonly dimensions: number;
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.dimensions = parts.dimensions;
  }

  /**
   * From a folder whose files have been checked. Everything is said by options of the call: transformers.js has one `env`
   * for the whole process, which is neither changed here nor relied on, but for its default that local files are allowed.
   *
   * @param threads of one run; all cores where it is not given
   * @throws {InvalidInput} for a model of another kind, or files that cannot be read
   */
  static async open(folder: string, threads?: number): Promise<LaionNetwork> {
    const { projection_dim: dimensions } = await readJson(Config, folder, 'config.json');
    await readJson(Preprocessor, folder, 'preprocessor_config.json');
    const library = await import('@huggingface/transformers').catch((cause: unknown) => {
      throw new EngineError(`Expected transformers.js to load, got ${reasonOf(cause)}`, { cause });
    });
    const local = { local_files_only: true, cache_dir: folder };
    const model = { ...local, dtype: 'fp32', device: 'cpu', use_external_data_format: false, session_options: threads === undefined ? {} : { intraOpNumThreads: threads } } as const;
    const opened = await Promise.allSettled([
      library.ClapFeatureExtractor.from_pretrained(folder, local) as Promise<ClapFeatureExtractor>,
      library.AutoTokenizer.from_pretrained(folder, local),
      library.ClapAudioModelWithProjection.from_pretrained(folder, model) as Promise<ClapAudioModelWithProjection>,
      library.ClapTextModelWithProjection.from_pretrained(folder, model) as Promise<ClapTextModelWithProjection>,
    ]);
    const [extractor, tokenizer, sound, words] = opened;
    if (extractor.status === 'fulfilled' && tokenizer.status === 'fulfilled' && sound.status === 'fulfilled' && words.status === 'fulfilled') {
      return new LaionNetwork({ library, extractor: extractor.value, tokenizer: tokenizer.value, sound: sound.value, words: words.value, dimensions });
    }
    for (const one of [sound, words]) if (one.status === 'fulfilled') await one.value.dispose();
    const cause: unknown = opened.find((one) => one.status === 'rejected')?.reason;
    throw new InvalidInput(`Expected a LAION-CLAP in ${folder}, got ${reasonOf(cause)}`, { cause });
  }

  /**
   * The log-mel spectrogram of one window.
   * @param window mono at 48 kHz, shape [480000]
   * @returns dB, shape [1001, 64]
   */
  async features(window: Float32Array): Promise<Float32Array> {
    if (window.length !== WINDOW) throw new RangeError(`Expected a window of ${WINDOW} samples, got ${window.length}`);
    const { input_features: features } = (await this.#parts.extractor(window)) as { input_features: Tensor };
    return features.data as Float32Array;
  }

  /**
   * The embedding of one window, as the network puts it out.
   * @param features shape [1001, 64]
   * @returns shape [dimensions]
   */
  async soundEmbedding(features: Float32Array): Promise<Float32Array> {
    const { library, sound } = this.#parts;
    return await this.#run(() => sound({ input_features: new library.Tensor('float32', features, [1, 1, ...FEATURES]) }), 'audio_embeds');
  }

  /**
   * The token ids of one caption, with those that begin and end it, cut to 77 or what the tokenizer's file says.
   * @throws {InvalidInput} for a caption without a word, or none that is known
   */
  tokens(caption: string): number[] {
    const { tokenizer } = this.#parts;
    const words = tokenizer(caption, { add_special_tokens: false, return_tensor: false }).input_ids as number[];
    if (caption.trim() === '' || words.every((id) => id === tokenizer.unk_token_id)) throw new InvalidInput(`Expected a caption with a word that is known, got ${JSON.stringify(caption.slice(0, 80))}`);
    const tokens = tokenizer(caption, { return_tensor: false }).input_ids as number[];
    const longest = Math.min(MAX_TOKENS, tokenizer.model_max_length);
    // its own truncation cuts off the token that ends a caption
    return tokens.length <= longest ? tokens : [...tokens.slice(0, longest - 1), tokens.at(-1)!];
  }

  /**
   * The embedding of one caption, as the network puts it out.
   * @param tokens ids, shape [tokens]
   * @returns shape [dimensions]
   */
  async textEmbedding(tokens: readonly number[]): Promise<Float32Array> {
    const { library, words } = this.#parts;
    const int64 = (ids: BigInt64Array): Tensor => new library.Tensor('int64', ids, [1, tokens.length]);
    const inputs = { input_ids: int64(BigInt64Array.from(tokens, BigInt)), attention_mask: int64(new BigInt64Array(tokens.length).fill(1n)) };
    return await this.#run(() => words(inputs), 'text_embeds');
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#parts.sound.dispose(), this.#parts.words.dispose()]);
  }

  async #run(run: () => Promise<unknown>, output: 'audio_embeds' | 'text_embeds'): Promise<Float32Array> {
    let outputs: Partial<Record<typeof output, Tensor>>;
    try {
      outputs = (await run()) as typeof outputs;
    } catch (cause) {
      throw new EngineError(`Expected ${output} of LAION-CLAP, got ${reasonOf(cause)}`, { cause });
    }
    const values = outputs[output]?.data as Float32Array | undefined;
    if (values?.length === this.dimensions && values.every(Number.isFinite)) return values;
    throw new EngineError(`Expected ${output} of ${this.dimensions} finite numbers, got ${values === undefined ? 'none' : `${values.length}: ${values.slice(0, 3).join(', ')} …`}`);
  }
}

async function readJson<T>(schema: z.ZodType<T>, folder: string, file: string): Promise<T> {
  const text = await readFile(join(folder, file), 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidInput(`Expected ${file} of LAION-CLAP to be JSON, got other text`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidInput(`Expected ${file} of an unfused LAION-CLAP at 48 kHz, got: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
