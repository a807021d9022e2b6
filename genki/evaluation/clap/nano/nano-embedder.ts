import type { Engine, Executable, Tensor } from '../../../engine/engine.ts';
import { InvalidInput } from '../../../errors.ts';
import { disposeAll, type Feeds } from '../../../music/feeds.ts';
import { ResidentWeights } from '../../../music/resident-weights.ts';
import type { WeightSpec } from '../../../music/weights.ts';
import { contentDigest, type TensorMap } from '../../../protocol/safetensors.ts';
import type { Embedder, Heard } from '../embedder.ts';
import { bagsOf, wordIds } from './bags.ts';
import { type NanoConfig, patchSize } from './config.ts';
import { audioProgram, textProgram } from './programs.ts';
import { Ear, type Sound, SUMMARY_SIZE, windowCount } from './sound.ts';
import { audioSpecs, nothingId, pickNanoWeights, textSpecs } from './weights.ts';

/**
 * The embedder that comes with Genki. A run of the network is one clip or one caption, so what else is embedded beside
 * it changes no bit; a clip is heard as a whole, whatever its length, so the seed decides nothing.
 */
export class NanoEmbedder implements Embedder {
  readonly name: string;
  readonly sampleRate: number;
  readonly dimensions: number;
  readonly #engine: Engine;
  readonly #config: NanoConfig;
  readonly #ear: Ear;
  readonly #audio: Executable;
  readonly #text: Executable;
  readonly #audioWeights: ResidentWeights;
  readonly #textWeights: ResidentWeights;

  private constructor(engine: Engine, config: NanoConfig, of: { weights: TensorMap; audio: Executable; text: Executable }) {
    this.name = `clap-nano ${contentDigest(of.weights)}`;
    this.sampleRate = config.mel.sampleRate;
    this.dimensions = config.dimensions;
    this.#engine = engine;
    this.#config = config;
    this.#ear = new Ear(config);
    this.#audio = of.audio;
    this.#text = of.text;
    this.#audioWeights = resident(engine, audioSpecs(config), of.weights);
    this.#textWeights = resident(engine, textSpecs(config), of.weights);
  }

  /** @throws {InvalidInput} when the weights are not the model's */
  static async create(engine: Engine, config: NanoConfig, weights: TensorMap): Promise<NanoEmbedder> {
    const own = pickNanoWeights(config, weights);
    const audio = await engine.compile(audioProgram(config));
    return new NanoEmbedder(engine, config, { weights: own, audio, text: await engine.compile(textProgram(config)) });
  }

  async text(captions: readonly string[]): Promise<Float32Array[]> {
    if (captions.length === 0) throw new InvalidInput('Expected at least one caption, got none');
    const config = this.#config;
    const rows = wordIds(config, captions);
    const unknown = rows.findIndex((ids) => ids.has(nothingId(config)));
    if (unknown >= 0) throw new InvalidInput(`Expected a caption with a word of the model, got ${JSON.stringify(captions[unknown]!.slice(0, 80))}`);
    const out: Float32Array[] = [];
    for (const ids of rows) {
      const { captions: found } = await this.#run(this.#text, this.#textWeights, { bags: this.#engine.tensor(bagsOf(config, [ids]), [1, nothingId(config) + 1]) });
      out.push(found!);
    }
    return out;
  }

  async audio(clips: readonly Float32Array[]): Promise<Heard[]> {
    const out: Heard[] = [];
    for (const [i, samples] of clips.entries()) out.push(await this.#heard(samples, i));
    return out;
  }

  async dispose(): Promise<void> {
    this.#audioWeights.dispose();
    this.#textWeights.dispose();
    await this.#audio.dispose();
    await this.#text.dispose();
  }

  async #heard(samples: Float32Array, index: number): Promise<Heard> {
    const { window, audio } = this.#config;
    const { patches, summary } = this.#hear(samples, index);
    const count = windowCount(this.#config, samples.length);
    const { windows, clips } = await this.#run(this.#audio, this.#audioWeights, {
      patches: this.#engine.tensor(patches, [1, count, window.patches, patchSize(this.#config)]),
      share: this.#engine.tensor(new Float32Array(count).fill(1 / count), [count, 1]),
      summary: this.#engine.tensor(summary, [1, SUMMARY_SIZE]),
    });
    return { clip: clips!, windows: Array.from({ length: count }, (_, w) => windows!.slice(w * audio.features, (w + 1) * audio.features)) };
  }

  #hear(samples: Float32Array, index: number): Sound {
    try {
      return this.#ear.hear(samples);
    } catch (cause) {
      if (!(cause instanceof InvalidInput)) throw cause;
      throw new InvalidInput(`Clip ${index}: ${cause.message}`, { cause });
    }
  }

  /** The program's outputs, as copies. */
  async #run(program: Executable, weights: ResidentWeights, own: Feeds): Promise<Record<string, Float32Array>> {
    try {
      const outputs = await program.run({ ...weights.feeds(), ...own });
      try {
        const read = async ([name, tensor]: [string, Tensor]) => [name, Float32Array.from(await tensor.read())] as const;
        return Object.fromEntries(await Promise.all(Object.entries(outputs).map(read)));
      } finally {
        disposeAll(outputs);
      }
    } finally {
      disposeAll(own);
    }
  }
}

function resident(engine: Engine, specs: readonly WeightSpec[], weights: TensorMap): ResidentWeights {
  const own = new ResidentWeights(engine, specs);
  own.load(new Map(specs.map(({ name }) => [name, weights.get(name)!])));
  return own;
}
