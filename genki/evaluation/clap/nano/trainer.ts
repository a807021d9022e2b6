import type { Engine, Executable } from '../../../engine/engine.ts';
import { InvalidInput } from '../../../errors.ts';
import { adamwStep, type AdamWConfig, clipFactor, globalNorm, type Parameter } from '../../../music/adamw.ts';
import { disposeAll, type Feeds } from '../../../music/feeds.ts';
import { learningRateAt } from '../../../music/schedule.ts';
import { floats } from '../../../music/weights.ts';
import type { TensorMap } from '../../../protocol/safetensors.ts';
import type { ContrastiveBatch } from './batch.ts';
import { type NanoConfig, patchSize } from './config.ts';
import { contrastiveProgram } from './programs.ts';
import { SUMMARY_SIZE } from './sound.ts';
import { nanoSpecs, nothingId, pickNanoWeights } from './weights.ts';

export type NanoHyper = AdamWConfig & {
  /** The highest one, after a linear rise over `warmup` steps; down to 0 along half a cosine. */
  readonly learningRate: number;
  readonly steps: number;
  readonly warmup: number;
  /** The longest gradient, all parameters together; longer ones are shortened. */
  readonly maxGradNorm: number;
  /** What cosines are divided by before they compete. */
  readonly temperature: number;
};

/** Trains the encoders together, step by step; the same start and batches give the same weights on the same engine. */
export class NanoTrainer {
  readonly #engine: Engine;
  readonly #config: NanoConfig;
  readonly #hyper: NanoHyper;
  readonly #program: Executable;
  readonly #parameters: readonly Parameter[];
  #stepsDone = 0;

  private constructor(engine: Engine, config: NanoConfig, of: { hyper: NanoHyper; program: Executable; parameters: readonly Parameter[] }) {
    this.#engine = engine;
    this.#config = config;
    this.#hyper = of.hyper;
    this.#program = of.program;
    this.#parameters = of.parameters;
  }

  /** @throws {InvalidInput} when the weights are not the model's */
  static async create(engine: Engine, config: NanoConfig, start: { weights: TensorMap; hyper: NanoHyper }): Promise<NanoTrainer> {
    const weights = pickNanoWeights(config, start.weights);
    const parameters = nanoSpecs(config).map(({ name, shape }): Parameter => {
      const value = floats({ name, shape }, weights.get(name)!).slice();
      return { name, shape, value, moment1: new Float32Array(value.length), moment2: new Float32Array(value.length) };
    });
    const program = await engine.compile(contrastiveProgram(config, start.hyper.temperature));
    return new NanoTrainer(engine, config, { hyper: start.hyper, program, parameters });
  }

  /**
   * @returns the batch's loss before this step, in nats
   * @throws {InvalidInput} when the loss is no longer finite; then nothing has changed
   */
  async step(batch: ContrastiveBatch): Promise<number> {
    const t = this.#stepsDone + 1;
    const outputs = await this.#run(batch);
    try {
      const loss = (await outputs['loss']!.read())[0]!;
      const gradients = await Promise.all(this.#parameters.map(async ({ name }) => (await outputs[`grad/${name}`]!.read()) as Float32Array));
      const norm = globalNorm(gradients);
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) throw new InvalidInput(`Expected a finite loss and gradient, got ${loss} and ${norm} at step ${t}`);
      const learningRate = learningRateAt({ ...this.#hyper, batch: batch.clips, guidanceDropout: 0 }, t);
      const update = { t, learningRate, factor: clipFactor(norm, this.#hyper.maxGradNorm) };
      this.#parameters.forEach((parameter, i) => adamwStep(parameter, gradients[i]!, this.#hyper, update));
      this.#stepsDone = t;
      return loss;
    } finally {
      disposeAll(outputs);
    }
  }

  /** Copies of the weights as they are now. */
  weights(): TensorMap {
    return new Map(this.#parameters.map(({ name, shape, value }) => [name, { shape, dtype: 'F32' as const, data: value.slice() }]));
  }

  async dispose(): Promise<void> {
    await this.#program.dispose();
  }

  async #run({ clips, windows, captions, ...of }: ContrastiveBatch): Promise<Feeds> {
    const config = this.#config;
    const tensor = this.#engine.tensor.bind(this.#engine);
    const feeds: Feeds = {
      patches: tensor(of.patches, [clips, windows, config.window.patches, patchSize(config)]),
      share: tensor(new Float32Array(windows).fill(1 / windows), [windows, 1]),
      summary: tensor(of.summaries, [clips, SUMMARY_SIZE]),
      bags: tensor(of.bags, [captions, nothingId(config) + 1]),
      'wanted.clips': tensor(of.wantedClips, [captions, clips]),
      'wanted.captions': tensor(of.wantedCaptions, [clips, captions]),
    };
    for (const { name, value, shape } of this.#parameters) feeds[name] = tensor(value, shape);
    try {
      return await this.#program.run(feeds);
    } finally {
      disposeAll(feeds);
    }
  }
}
