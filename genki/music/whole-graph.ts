import type { Engine, Executable } from '../engine/engine.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import type { Parameter } from './adamw.ts';
import type { Backprop, OnPart, Slope } from './backprop.ts';
import type { Batch } from './batch.ts';
import type { LanguageConfig } from './config.ts';
import { batchFeeds, disposeAll, type Feeds, lossFeeds, parameterFeeds } from './feeds.ts';
import type { LoraConfig } from './lora.ts';
import { trainProgram } from './programs.ts';
import { ResidentWeights } from './resident-weights.ts';
import { weightSpecs } from './weights.ts';

/** Goes through the model forth and back in one program: the fastest, with all that the layers compute in memory. */
export class WholeGraph implements Backprop {
  readonly #engine: Engine;
  readonly #config: LanguageConfig;
  readonly #program: Executable;
  readonly #frozen: ResidentWeights;

  private constructor(engine: Engine, config: LanguageConfig, of: { program: Executable; frozen: ResidentWeights }) {
    this.#engine = engine;
    this.#config = config;
    this.#program = of.program;
    this.#frozen = of.frozen;
  }

  /** @param frozen the weights beside an adapter; none: the weights are what is trained */
  static async create(engine: Engine, config: LanguageConfig, beside?: { lora: LoraConfig; frozen: TensorMap }): Promise<WholeGraph> {
    const program = await engine.compile(trainProgram(config, beside?.lora));
    const frozen = new ResidentWeights(engine, beside ? weightSpecs(config) : []);
    if (beside) frozen.load(beside.frozen);
    return new WholeGraph(engine, config, { program, frozen });
  }

  async run(batch: Batch, parameters: readonly Parameter[], onPart?: OnPart): Promise<Slope> {
    const engine = this.#engine;
    const own: Feeds = {
      ...batchFeeds(engine, this.#config, batch),
      ...lossFeeds(engine, batch),
      ...parameterFeeds(engine, parameters),
    };
    const outputs = await this.#program.run({ ...this.#frozen.feeds(), ...own }).finally(() => disposeAll(own));
    try {
      await onPart?.();
      const loss = (await outputs['loss']!.read())[0]!;
      const gradients = await Promise.all(parameters.map(async ({ name }) => (await outputs[`grad/${name}`]!.read()) as Float32Array));
      return { loss, gradients, release: () => disposeAll(outputs) };
    } catch (error) {
      disposeAll(outputs);
      throw error;
    }
  }

  async dispose(): Promise<void> {
    this.#frozen.dispose();
    await this.#program.dispose();
  }
}
