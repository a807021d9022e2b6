import type { Engine, Executable, Tensor } from '../../engine/engine.ts';
import type { TensorSource } from '../../protocol/tensor-source.ts';
import { disposeAll, type Feeds } from '../feeds.ts';
import { finite } from '../finite.ts';
import { floats } from '../weights.ts';
import type { T5Config } from './config.ts';
import { t5Program } from './encoder.ts';
import { relativeBuckets } from './relative-position.ts';
import { storedName, t5Specs } from './weights.ts';

/** T5's encoder with its weights where the engine keeps them, as float32 whatever the model's files have. */
export class LoadedEncoder {
  readonly #engine: Engine;
  readonly #config: T5Config;
  readonly #program: Executable;
  readonly #weights: Readonly<Record<string, Tensor>>;

  private constructor(engine: Engine, config: T5Config, { program, weights }: { readonly program: Executable; readonly weights: Readonly<Record<string, Tensor>> }) {
    this.#engine = engine;
    this.#config = config;
    this.#program = program;
    this.#weights = weights;
  }

  /**
   * Reads one tensor after the other.
   * @throws {InvalidInput} naming a tensor that is missing, of another shape or dtype, or not finite
   */
  static async load(engine: Engine, config: T5Config, source: TensorSource): Promise<LoadedEncoder> {
    const specs = t5Specs(config);
    const stored = specs.map(({ name }) => storedName(source, name)); // before any is read
    const weights: Record<string, Tensor> = {};
    try {
      for (const [i, spec] of specs.entries()) weights[spec.name] = engine.tensor(finite(stored[i]!, floats(spec, await source.read(stored[i]!))), spec.shape);
      return new LoadedEncoder(engine, config, { program: await engine.compile(t5Program(config)), weights });
    } catch (error) {
      disposeAll(weights);
      throw error;
    }
  }

  /**
   * The states of texts of one length, so that none is padded.
   * @param texts token ids, shape [texts][length]
   * @returns by text, shape [length, hiddenSize]; of its own
   */
  async states(texts: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const rows = texts.length;
    const length = texts[0]!.length;
    const own: Feeds = {
      ids: this.#engine.tensor(Int32Array.from(texts.flat()), [rows, length]),
      mask: this.#engine.tensor(new Float32Array(rows * length).fill(1), [rows, length]),
      buckets: this.#engine.tensor(relativeBuckets(this.#config, length), [length, length]),
    };
    try {
      const outputs = await this.#program.run({ ...this.#weights, ...own });
      try {
        const states = (await outputs['states']!.read()) as Float32Array;
        const size = length * this.#config.hiddenSize;
        return texts.map((_, row) => states.slice(row * size, (row + 1) * size));
      } finally {
        disposeAll(outputs);
      }
    } finally {
      disposeAll(own);
    }
  }

  async dispose(): Promise<void> {
    disposeAll(this.#weights);
    await this.#program.dispose();
  }
}
