import type { Engine } from '../../genki/engine/engine.ts';
import { BadSubmission } from '../../genki/errors.ts';
import { adapterDelta, type Delta } from '../../genki/federation/merge.ts';
import { readMusicConfig, type MusicConfig } from '../../genki/music/config.ts';
import { decodeAdapter, type LoraConfig } from '../../genki/music/lora.ts';
import type { Embedder, EmbedderSpec } from '../../genki/evaluation/clap/embedder.ts';
import { openEmbedder } from '../../genki/evaluation/clap/open-embedder.ts';
import { Scorer } from '../../genki/music/scorer.ts';
import type { Dama } from '../../genki/protocol/dama.ts';
import { contentDigest, decodeSafetensors, type TensorMap } from '../../genki/protocol/safetensors.ts';
import type { Clap } from './job.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';

/** The largest Dama that is loaded: MusicGen large in float32 is 13 GB. */
const MAX_DAMA_BYTES = 16 * 2 ** 30;
const MAX_CONFIG_BYTES = 2 ** 20;

export type LoadedDama = { readonly digest: string; readonly music: MusicConfig; readonly weights: TensorMap };

/** The newest few of what a runner has loaded, so that the steps of a round do not read it again. */
export class ModelCache {
  readonly #clap: Clap;
  readonly #engine: Engine;
  readonly #store: ObjectStore;
  readonly #damas = new Recent<LoadedDama>(2);
  readonly #deltas = new Recent<Delta>(64);
  readonly #embedders = new Recent<Embedder>(1, (embedder) => embedder.dispose());
  readonly #scorers = new Recent<Scorer>(1, (scorer) => scorer.dispose());

  constructor(engine: Engine, store: ObjectStore, clap: Clap) {
    this.#clap = clap;
    this.#engine = engine;
    this.#store = store;
  }

  /** @throws {BadSubmission} when the file holds another Dama than the digest names */
  dama(dama: Dama): Promise<LoadedDama> {
    // what is computed with the tensors is in the configuration
    return this.#damas.get(`${dama.digest} ${dama.config.sha256}`, async () => {
      const config = await this.#store.get(dama.config, { maxBytes: MAX_CONFIG_BYTES });
      const { tensors } = decodeSafetensors(await this.#store.get(dama.weights, { maxBytes: MAX_DAMA_BYTES }));
      const digest = contentDigest(tensors);
      if (digest !== dama.digest) throw new BadSubmission(`Expected the Dama ${dama.digest} in ${dama.weights.key}, got ${digest}`);
      return { digest, music: readMusicConfig(JSON.parse(new TextDecoder().decode(config))), weights: tensors };
    });
  }

  /** The dense update of an adapter. */
  delta(ref: ObjectRef, music: MusicConfig, lora: LoraConfig): Promise<Delta> {
    return this.#deltas.get(ref.sha256, async () => adapterDelta(decodeAdapter(await this.#store.get(ref, { maxBytes: ref.bytes }), { music, lora })));
  }

  /** Once it has passed its own test. */
  embedder(spec: EmbedderSpec): Promise<Embedder> {
    return this.#embedders.get(spec.digest, () => openEmbedder(spec, { engine: this.#engine, ...(spec.kind === 'laion-clap' && this.#clap) }));
  }

  scorer(music: MusicConfig): Promise<Scorer> {
    return this.#scorers.get(JSON.stringify(music), () => Scorer.create(this.#engine, music));
  }
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
}
