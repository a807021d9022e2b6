import type { Engine, Executable } from '../engine/engine.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { type Batch, batchOfClips } from './batch.ts';
import type { Clip } from './clip.ts';
import type { LanguageConfig } from './config.ts';
import { batchFeeds, disposeAll, labelFeeds } from './feeds.ts';
import { scoreProgram } from './programs.ts';
import { ResidentWeights } from './resident-weights.ts';
import { weightSpecs } from './weights.ts';

/** Rows of one run: few enough that what they compute stays in a processor's cache. */
const ROWS = 8;

/** Tells how well a model knows a piece of music. */
export class Scorer {
  readonly #engine: Engine;
  readonly #config: LanguageConfig;
  readonly #program: Executable;
  readonly #weights: ResidentWeights;

  private constructor(engine: Engine, config: LanguageConfig, program: Executable) {
    this.#engine = engine;
    this.#config = config;
    this.#program = program;
    this.#weights = new ResidentWeights(engine, weightSpecs(config));
  }

  static async create(engine: Engine, config: LanguageConfig): Promise<Scorer> {
    return new Scorer(engine, config, await engine.compile(scoreProgram(config)));
  }

  /**
   * Takes these weights; those that are not named stay as they are, so a merge passes only what it changed.
   * @throws {InvalidInput} naming a tensor that the model does not have so; then nothing has changed
   */
  load(weights: TensorMap): void {
    this.#weights.load(weights);
  }

  /**
   * @returns for each clip, in nats per code, the mean over codebooks of each codebook's mean, summed in float64
   * @throws {InvalidInput} when weights are missing or a clip does not fit the model
   */
  async losses(clips: readonly Clip[]): Promise<Float64Array> {
    const out = new Float64Array(clips.length);
    for (let from = 0; from < clips.length; from += ROWS) {
      const chunk = clips.slice(from, from + ROWS);
      out.set(await this.#lossesOf(batchOfClips(this.#config, chunk)), from);
    }
    return out;
  }

  async dispose(): Promise<void> {
    this.#weights.dispose();
    await this.#program.dispose();
  }

  async #lossesOf(batch: Batch): Promise<Float64Array> {
    const own = { ...batchFeeds(this.#engine, this.#config, batch), ...labelFeeds(this.#engine, batch) };
    try {
      const outputs = await this.#program.run({ ...this.#weights.feeds(), ...own });
      try {
        return meansByRow(await outputs['nll']!.read(), batch);
      } finally {
        disposeAll(outputs);
      }
    } finally {
      disposeAll(own);
    }
  }
}

/** Mean over codebooks of each codebook's mean, by row. */
function meansByRow(nll: ArrayLike<number>, { rows, ids, weights }: Batch): Float64Array {
  const numCodebooks = ids.length;
  const perRow = weights.length / rows;
  const sums = new Float64Array(rows * numCodebooks);
  const counts = new Float64Array(rows * numCodebooks);
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    const at = Math.floor(i / perRow) * numCodebooks + (i % numCodebooks);
    sums[at]! += nll[i]!;
    counts[at]! += 1;
  }
  return Float64Array.from({ length: rows }, (_, row) => {
    let mean = 0;
    for (let k = 0; k < numCodebooks; k++) mean += sums[row * numCodebooks + k]! / counts[row * numCodebooks + k]! / numCodebooks;
    return mean;
  });
}
