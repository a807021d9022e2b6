import type { Engine } from '../engine/engine.ts';
import { InvalidInput } from '../errors.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { adamwStep, clipFactor, globalNorm, type Parameter } from './adamw.ts';
import { type Backprop, type OnPart, slopeOf } from './backprop.ts';
import { type Batch, batchOfClips, microBatches } from './batch.ts';
import { encodeCheckpoint, restoreCheckpoint } from './checkpoint.ts';
import type { Clip } from './clip.ts';
import type { LanguageConfig } from './config.ts';
import { Layerwise } from './layerwise.ts';
import type { Adapter } from './lora.ts';
import type { LossCurve, LossPoint } from './loss-curve.ts';
import { checkHyper, type Hyper, learningRateAt, silentRows } from './schedule.ts';
import { silenceRows } from './text.ts';
import { adapterOf, startParameters, type Trainable, weightsOf } from './trainable.ts';
import { pickWeights } from './weights.ts';
import { WholeGraph } from './whole-graph.ts';

export type { Hyper } from './schedule.ts';
export type { Trainable } from './trainable.ts';

/**
 * Trains a model, step by step.
 *
 * 1. What a step does depends only on the parameters, their moments, the number of the step, the seed and the clips.
 * 2. So a trainer restored from a checkpoint goes on bit by bit as the one that wrote it, on the same engine build.
 */
export class Trainer {
  readonly #config: LanguageConfig;
  readonly #trainable: Trainable;
  readonly #hyper: Hyper;
  readonly #seed: string;
  readonly #weights: TensorMap;
  readonly #backprop: Backprop;
  readonly #parameters: readonly Parameter[];
  #curve: LossPoint[] = [];

  private constructor(config: LanguageConfig, of: { trainable: Trainable; hyper: Hyper; seed: string; weights: TensorMap; parameters: Parameter[]; backprop: Backprop }) {
    this.#config = config;
    this.#trainable = of.trainable;
    this.#hyper = of.hyper;
    this.#seed = of.seed;
    this.#weights = of.weights;
    this.#parameters = of.parameters;
    this.#backprop = of.backprop;
  }

  /**
   * @param weights all weights of the model, and maybe tensors of others; not to be changed while the trainer lives
   * @param seed what the start of a new adapter and the dropping of text are drawn from
   * @throws {InvalidInput} when weights or adapter are not the model's, or no run can be like that
   */
  static async create(engine: Engine, config: LanguageConfig, weights: TensorMap, trainable: Trainable, hyper: Hyper, seed: string): Promise<Trainer> {
    checkHyper(hyper);
    const own = pickWeights(config, weights);
    const parameters = startParameters(config, trainable, { weights: own, seed });
    const backprop = await openBackprop(engine, config, { trainable, hyper, frozen: own });
    return new Trainer(config, { trainable, hyper, seed, weights: own, parameters, backprop });
  }

  get stepsDone(): number {
    return this.#curve.length;
  }

  /** The steps done, those before a checkpoint too. */
  get curve(): LossCurve {
    return this.#curve;
  }

  /**
   * Learns from clips.
   * @returns the batch's loss before this step, in nats per code
   * @throws {InvalidInput} when a clip does not fit the model, or the loss is no longer finite; then nothing has changed
   */
  async step(clips: readonly Clip[]): Promise<number> {
    return this.stepOn(batchOfClips(this.#config, clips));
  }

  /**
   * As `step`, of a batch made before, wherever its text comes from.
   * @param onPart told after each part of the step, for whoever has to show that it goes on
   */
  async stepOn(batch: Batch, onPart?: OnPart): Promise<number> {
    const t = this.stepsDone + 1;
    const silent = silentRows(this.#hyper, batch.rows, this.#seed, t);
    const parts = microBatches({ ...batch, text: silenceRows(batch.text, (row) => silent[row]!) }, this.#hyper.accumulation ?? 1);
    const { loss, gradients, release } = await slopeOf(this.#backprop, parts, { parameters: this.#parameters, onPart });
    try {
      const gradNorm = globalNorm(gradients);
      if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
        throw new InvalidInput(`Expected a finite loss and gradient, got ${loss} and ${gradNorm} at step ${t}: a lower learning rate may help`);
      }
      const { maxGradNorm } = this.#hyper;
      const learningRate = learningRateAt(this.#hyper, t);
      const update = { t, learningRate, factor: maxGradNorm === undefined ? 1 : clipFactor(gradNorm, maxGradNorm) };
      this.#parameters.forEach((parameter, i) => adamwStep(parameter, gradients[i]!, this.#hyper, update));
      this.#curve.push({ step: t, loss, learningRate, gradNorm });
      return loss;
    } finally {
      release();
    }
  }

  /** Everything that `restore` needs, as safetensors. */
  checkpoint(): Uint8Array {
    return encodeCheckpoint(this.#parameters, { run: this.#runName(), curve: this.#curve });
  }

  /**
   * Goes on from the checkpoint of a trainer that was created with the same arguments.
   * @throws {InvalidInput} when it is of another run; then nothing has changed
   * @throws {BadSubmission} when the bytes are no safetensors file
   */
  restore(bytes: Uint8Array): void {
    this.#curve = [...restoreCheckpoint(bytes, this.#parameters, this.#runName())];
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
    await this.#backprop.dispose();
  }

  /** What a checkpoint has to agree on; the base weights are its owner's to keep the same. */
  #runName(): string {
    const sorted = (fields: object): unknown[] => Object.entries(fields).filter(([, value]) => value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify([this.#seed, sorted(this.#hyper), this.#trainable.kind === 'full' ? 'full' : sorted(this.#trainable.lora)]);
  }
}

function openBackprop(engine: Engine, config: LanguageConfig, { trainable, hyper, frozen }: { trainable: Trainable; hyper: Hyper; frozen: TensorMap }): Promise<Backprop> {
  const beside = trainable.kind === 'lora' ? { lora: trainable.lora, frozen } : undefined;
  if (hyper.checkpointing !== true) return WholeGraph.create(engine, config, beside);
  if (beside === undefined) throw new InvalidInput('Expected checkpointing of an adapter, got a training of all weights');
  return Layerwise.create(engine, config, beside);
}
