import type { Engine, Executable } from '../engine/engine.ts';
import { InvalidInput } from '../errors.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { adamwStep, clipFactor, globalNorm, type Parameter } from './adamw.ts';
import { type Batch, batchOfClips } from './batch.ts';
import { encodeCheckpoint, restoreCheckpoint } from './checkpoint.ts';
import type { Clip } from './clip.ts';
import type { LanguageConfig } from './config.ts';
import { disposeAll, type Feeds, idFeeds, labelFeeds, sequenceFeeds, textFeeds, weightFeeds } from './feeds.ts';
import type { Adapter } from './lora.ts';
import { trainProgram } from './programs.ts';
import { ResidentWeights } from './resident-weights.ts';
import { type Hyper, learningRateAt, silentRows } from './schedule.ts';
import { silenceRows } from './text.ts';
import { adapterOf, startParameters, type Trainable, weightsOf } from './trainable.ts';
import { pickWeights, weightSpecs } from './weights.ts';

export type { Hyper } from './schedule.ts';
export type { Trainable } from './trainable.ts';

/**
 * Trains a model, step by step.
 *
 * 1. What a step does depends only on the parameters, their moments, the number of the step, the seed and the clips.
 * 2. So a trainer restored from a checkpoint goes on bit by bit as the one that wrote it, on the same engine build.
 */
export class Trainer {
  readonly #engine: Engine;
  readonly #config: LanguageConfig;
  readonly #trainable: Trainable;
  readonly #hyper: Hyper;
  readonly #seed: string;
  readonly #weights: TensorMap;
  readonly #program: Executable;
  readonly #parameters: readonly Parameter[];
  readonly #frozen: ResidentWeights;
  #stepsDone = 0;

  private constructor(engine: Engine, config: LanguageConfig, of: { trainable: Trainable; hyper: Hyper; seed: string; weights: TensorMap; parameters: Parameter[]; program: Executable }) {
    this.#engine = engine;
    this.#config = config;
    this.#trainable = of.trainable;
    this.#hyper = of.hyper;
    this.#seed = of.seed;
    this.#weights = of.weights;
    this.#program = of.program;
    this.#parameters = of.parameters;
    this.#frozen = new ResidentWeights(engine, of.trainable.kind === 'full' ? [] : weightSpecs(config));
    if (of.trainable.kind === 'lora') this.#frozen.load(of.weights);
  }

  /**
   * @param weights all weights of the model, and maybe tensors of others; not to be changed while the trainer lives
   * @param seed what the start of a new adapter and the dropping of text are drawn from
   * @throws {InvalidInput} when weights or adapter are not the model's
   */
  static async create(engine: Engine, config: LanguageConfig, weights: TensorMap, trainable: Trainable, hyper: Hyper, seed: string): Promise<Trainer> {
    const own = pickWeights(config, weights);
    const parameters = startParameters(config, trainable, { weights: own, seed });
    const program = await engine.compile(trainProgram(config, trainable.kind === 'lora' ? trainable.lora : undefined));
    return new Trainer(engine, config, { trainable, hyper, seed, weights: own, parameters, program });
  }

  get stepsDone(): number {
    return this.#stepsDone;
  }

  /**
   * Learns from clips.
   * @returns the batch's loss before this step, in nats per code
   * @throws {InvalidInput} when a clip does not fit the model, or the loss is no longer finite; then nothing has changed
   */
  async step(clips: readonly Clip[]): Promise<number> {
    return this.stepOn(batchOfClips(this.#config, clips));
  }

  /** As `step`, of a batch made before, wherever its text comes from. */
  async stepOn(batch: Batch): Promise<number> {
    const t = this.#stepsDone + 1;
    const silent = silentRows(this.#hyper, batch.rows, this.#seed, t);
    const outputs = await this.#run({ ...batch, text: silenceRows(batch.text, (row) => silent[row]!) });
    try {
      const loss = (await outputs['loss']!.read())[0]!;
      const gradients = await Promise.all(this.#parameters.map(async ({ name }) => (await outputs[`grad/${name}`]!.read()) as Float32Array));
      const norm = globalNorm(gradients);
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
        throw new InvalidInput(`Expected a finite loss and gradient, got ${loss} and ${norm} at step ${t}: a lower learning rate may help`);
      }
      const { maxGradNorm } = this.#hyper;
      const update = { t, learningRate: learningRateAt(this.#hyper, t), factor: maxGradNorm === undefined ? 1 : clipFactor(norm, maxGradNorm) };
      this.#parameters.forEach((parameter, i) => adamwStep(parameter, gradients[i]!, this.#hyper, update));
      this.#stepsDone = t;
      return loss;
    } finally {
      disposeAll(outputs);
    }
  }

  /** Everything that `restore` needs, as safetensors. */
  checkpoint(): Uint8Array {
    return encodeCheckpoint(this.#parameters, { run: this.#runName(), step: this.#stepsDone });
  }

  /**
   * Goes on from the checkpoint of a trainer that was created with the same arguments.
   * @throws {InvalidInput} when it is of another run; then nothing has changed
   * @throws {BadSubmission} when the bytes are no safetensors file
   */
  restore(bytes: Uint8Array): void {
    this.#stepsDone = restoreCheckpoint(bytes, this.#parameters, this.#runName());
  }

  /**
   * The adapter as it is now.
   * @throws {InvalidInput} when no adapter is trained
   */
  adapter(): Adapter {
    if (this.#trainable.kind === 'full') throw new InvalidInput('Expected a trainer of an adapter, got one of all weights');
    return adapterOf(this.#config, this.#trainable.lora, this.#parameters);
  }

  /** All weights as they are now; an adapter is merged in. */
  weights(): TensorMap {
    return weightsOf(this.#config, this.#trainable, { weights: this.#weights, parameters: this.#parameters });
  }

  async dispose(): Promise<void> {
    this.#frozen.dispose();
    await this.#program.dispose();
  }

  async #run(batch: Batch): Promise<Feeds> {
    const engine = this.#engine;
    const own: Feeds = {
      ...sequenceFeeds(engine, this.#config.decoder, batch.positions),
      ...idFeeds(engine, batch),
      ...labelFeeds(engine, batch),
      ...weightFeeds(engine, batch),
      ...textFeeds(engine, batch.text),
    };
    for (const { name, value, shape } of this.#parameters) own[name] = engine.tensor(value, shape);
    try {
      return await this.#program.run({ ...this.#frozen.feeds(), ...own });
    } finally {
      disposeAll(own);
    }
  }

  /** What a checkpoint has to agree on; the base weights are its owner's to keep the same. */
  #runName(): string {
    const sorted = (fields: object): unknown[] => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify([this.#seed, sorted(this.#hyper), this.#trainable.kind === 'full' ? 'full' : sorted(this.#trainable.lora)]);
  }
}
