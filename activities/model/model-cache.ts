import { mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Engine } from '../../genki/engine/engine.ts';
import { BadSubmission } from '../../genki/errors.ts';
import type { Embedder, EmbedderSpec } from '../../genki/evaluation/clap/embedder.ts';
import { openEmbedder } from '../../genki/evaluation/clap/open-embedder.ts';
import { adapterDelta, type Delta } from '../../genki/federation/merge.ts';
import type { Codec } from '../../genki/music/codec.ts';
import type { Conditioner } from '../../genki/music/conditioner.ts';
import { readMusicConfig, type MusicConfig } from '../../genki/music/config.ts';
import { decodeAdapter, type LoraConfig } from '../../genki/music/lora.ts';
import { languageWeights, type Model, openCodec, openConditioner } from '../../genki/music/open-model.ts';
import { Scorer } from '../../genki/music/scorer.ts';
import type { TokenizerFiles } from '../../genki/music/t5/tokenizer.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { openSafetensors } from '../../genki/protocol/open-safetensors.ts';
import { decodeSafetensors, type TensorMap } from '../../genki/protocol/safetensors.ts';
import { contentDigestOf, sourceOf, type TensorSource } from '../../genki/protocol/tensor-source.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import type { Loading } from './job.ts';
import { readTokenizer } from './tokenizer-object.ts';

/** The largest Dama that is loaded: MusicGen large in float32 is 13 GB. */
const MAX_DAMA_BYTES = 16 * 2 ** 30;
const MAX_CONFIG_BYTES = 2 ** 20;
const MAX_TOKENIZER_BYTES = 2 ** 26;
/** A Dama of more bytes is read from a file, tensor by tensor. */
const HELD_BYTES = 2 ** 26;
const ALIVE_MS = 5000;

/** `weights` are all of a Dama that is held in memory, the language model's of one that lies in a file. */
export type LoadedDama = { readonly digest: string; readonly music: MusicConfig; readonly weights: TensorMap; readonly conditioner: Conditioner; readonly codec: Codec };

/** The newest few of what a runner has loaded, so that the steps of a round do not read it again. */
export class ModelCache {
  readonly #engine: Engine;
  readonly #store: ObjectStore;
  readonly #loading: Loading;
  readonly #damas = new Recent<LoadedDama & { readonly source: TensorSource }>(2, closeDama);
  readonly #deltas = new Recent<Delta>(64);
  readonly #embedders = new Recent<Embedder>(1, (embedder) => embedder.dispose());
  readonly #scorers = new Recent<Scorer>(1, (scorer) => scorer.dispose());

  constructor(engine: Engine, store: ObjectStore, loading: Loading) {
    this.#engine = engine;
    this.#store = store;
    this.#loading = loading;
  }

  /** @throws {BadSubmission} when the file holds another Dama than the digest names */
  dama(dama: Dama): Promise<LoadedDama> {
    // what is computed with the tensors is in the configuration
    return this.#damas.get(`${dama.digest} ${dama.config.sha256} ${dama.tokenizer?.sha256 ?? ''}`, async () => {
      const config = await this.#store.get(dama.config, { maxBytes: MAX_CONFIG_BYTES });
      const music = readMusicConfig(JSON.parse(new TextDecoder().decode(config)));
      const tokenizer = dama.tokenizer && (await this.#tokenizer(dama.tokenizer));
      const { source, held, forget } = await this.#tensors(dama.weights);
      try {
        const digest = await contentDigestOf(source);
        if (digest !== dama.digest) throw new BadSubmission(`Expected the Dama ${dama.digest} in ${dama.weights.key}, got ${digest}`);
        const model: Model = { music, weights: source, ...(tokenizer && { tokenizer }) };
        const engine = this.#engine;
        return { digest, music, weights: held ?? (await languageWeights(model)), conditioner: openConditioner(engine, model), codec: openCodec(engine, model), source };
      } catch (error) {
        await source.close();
        if (error instanceof BadSubmission) await forget?.();
        throw error;
      }
    });
  }

  async #tokenizer(ref: ObjectRef): Promise<TokenizerFiles> {
    return readTokenizer(await this.#store.get(ref, { maxBytes: MAX_TOKENIZER_BYTES }));
  }

  /** A Dama's tensors: in memory, or in a file that is fetched once, and anew after `forget`, since a disk may spoil it. */
  async #tensors(ref: ObjectRef): Promise<{ source: TensorSource; held?: TensorMap; forget?: () => Promise<void> }> {
    const { models, alive } = this.#loading;
    if (models === undefined || ref.bytes <= HELD_BYTES) {
      const held = decodeSafetensors(await this.#store.get(ref, { maxBytes: MAX_DAMA_BYTES })).tensors;
      return { source: sourceOf(held), held };
    }
    const path = join(models, `${ref.sha256}.safetensors`);
    const isThere = await stat(path).then(({ size }) => size === ref.bytes, () => false);
    const beat = setInterval(() => alive?.(), ALIVE_MS);
    try {
      await mkdir(dirname(path), { recursive: true });
      if (!isThere) await this.#store.getFile(ref, path, { maxBytes: MAX_DAMA_BYTES });
    } finally {
      clearInterval(beat);
    }
    const forget = (): Promise<void> => rm(path, { force: true });
    const source = await openSafetensors(path).catch(async (error: unknown) => {
      if (error instanceof BadSubmission) await forget();
      throw error;
    });
    return { source, forget };
  }

  /** Lets go of all that is loaded; it is loaded again when it is needed. */
  async dispose(): Promise<void> {
    for (const loaded of [this.#damas, this.#deltas, this.#embedders, this.#scorers]) await loaded.dispose();
  }

  /** The dense update of an adapter. */
  delta(ref: ObjectRef, music: MusicConfig, lora: LoraConfig): Promise<Delta> {
    return this.#deltas.get(ref.sha256, async () => adapterDelta(decodeAdapter(await this.#store.get(ref, { maxBytes: ref.bytes }), { music, lora })));
  }

  /** Once it has passed its own test. */
  embedder(spec: EmbedderSpec): Promise<Embedder> {
    return this.#embedders.get(spec.digest, () => openEmbedder(spec, { engine: this.#engine, ...(spec.kind === 'laion-clap' && this.#loading.clap) }));
  }

  scorer(music: MusicConfig): Promise<Scorer> {
    return this.#scorers.get(JSON.stringify(music), () => Scorer.create(this.#engine, music));
  }
}

async function closeDama({ conditioner, codec, source }: LoadedDama & { readonly source: TensorSource }): Promise<void> {
  await conditioner.dispose();
  await codec.dispose();
  await source.close();
}

/** Values by key; the least recently used one goes when there are too many. */
class Recent<T> {
  readonly #values = new Map<string, Promise<T>>();
  readonly #limit: number;
  readonly #drop: (value: T) => unknown;

  constructor(limit: number, drop: (value: T) => unknown = () => undefined) {
    this.#limit = limit;
    this.#drop = drop;
  }

  get(key: string, make: () => Promise<T>): Promise<T> {
    const value = this.#values.get(key) ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    value.catch(() => this.#values.delete(key));
    const oldest = this.#values.size > this.#limit ? this.#values.entries().next().value : undefined;
    if (oldest) {
      this.#values.delete(oldest[0]);
      oldest[1].then(this.#drop, () => undefined);
    }
    return value;
  }

  async dispose(): Promise<void> {
    const values = [...this.#values.values()];
    this.#values.clear();
    for (const value of values) await value.then(this.#drop, () => undefined);
  }
}
