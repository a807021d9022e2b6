import type { Engine, Executable } from '../../engine/engine.ts';
import type { TensorSource } from '../../protocol/tensor-source.ts';
import { disposeAll, type Feeds } from '../feeds.ts';
import type { Stage } from './stages.ts';
import { readWeights } from './weights.ts';

/** Programs that are kept, by length. */
const KEPT = 2;

export type Values = { readonly values: Float32Array | Int32Array; readonly shape: readonly number[] };

/** Runs a stage at whatever length; its weights are read when it first runs. */
export class StageRunner {
  readonly #engine: Engine;
  readonly #stage: Stage;
  readonly #from: { readonly weights: TensorSource; readonly prefix: string };
  #weights: Feeds | undefined;
  /** The latest used last. */
  readonly #programs = new Map<number, Executable>();

  constructor(engine: Engine, stage: Stage, from: { readonly weights: TensorSource; readonly prefix: string }) {
    this.#engine = engine;
    this.#stage = stage;
    this.#from = from;
  }

  /**
   * The outputs by name; one run at a time.
   * @throws {InvalidInput} when the model's tensors are not what the configuration says
   */
  async run(length: number, inputs: Readonly<Record<string, Values>>): Promise<Record<string, Float32Array | Int32Array>> {
    this.#weights ??= await this.#readWeights();
    const program = await this.#programFor(length);
    const own: Feeds = {};
    try {
      for (const [name, { values, shape }] of Object.entries(inputs)) own[name] = this.#engine.tensor(values, shape);
      const outputs = await program.run({ ...this.#weights, ...own });
      try {
        const read = await Promise.all(Object.entries(outputs).map(async ([name, tensor]) => [name, (await tensor.read()).slice()] as const));
        return Object.fromEntries(read);
      } finally {
        disposeAll(outputs);
      }
    } finally {
      disposeAll(own);
    }
  }

  /** Lets go of the weights and programs, until the next run. */
  async dispose(): Promise<void> {
    disposeAll(this.#weights ?? {});
    this.#weights = undefined;
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    for (const program of programs) await program.dispose();
  }

  async #readWeights(): Promise<Feeds> {
    const feeds: Feeds = {};
    try {
      for await (const { name, shape, values } of readWeights(this.#stage.weights, this.#from)) feeds[name] = this.#engine.tensor(values, shape);
      return feeds;
    } catch (error) {
      disposeAll(feeds);
      throw error;
    }
  }

  async #programFor(length: number): Promise<Executable> {
    const program = this.#programs.get(length) ?? (await this.#engine.compile(this.#stage.program(length)));
    this.#programs.delete(length);
    this.#programs.set(length, program);
    for (const [old, unused] of [...this.#programs].slice(0, -KEPT)) {
      this.#programs.delete(old);
      await unused.dispose();
    }
    return program;
  }
}
