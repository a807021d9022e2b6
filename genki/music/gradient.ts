import type { Engine } from '../engine/engine.ts';
import { InvalidInput } from '../errors.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { batchOfClips } from './batch.ts';
import type { Clip } from './clip.ts';
import type { LanguageConfig } from './config.ts';
import { batchFeeds, disposeAll, lossFeeds } from './feeds.ts';
import { trainProgram } from './programs.ts';
import { ResidentWeights } from './resident-weights.ts';
import { pickWeights, weightSpecs } from './weights.ts';

/** Rows of one run, as a training step has them. */
const ROWS = 8;

/** Where a model's loss on some clips falls from: d loss / d W of every weight, the mean over the clips, in float64. */
export type Gradient = ReadonlyMap<string, Float64Array>;

/**
 * The gradient of the mean loss on clips, in nats per code, with respect to all weights.
 * @throws {InvalidInput} when weights are missing, a clip does not fit the model, there is none, or the gradient is not finite
 */
export async function gradientOf(engine: Engine, config: LanguageConfig, { weights, clips, onBatch }: { weights: TensorMap; clips: readonly Clip[]; onBatch?: () => Promise<void> }): Promise<Gradient> {
  if (clips.length === 0) throw new InvalidInput('Expected clips to take a gradient of, got none');
  const names = weightSpecs(config).map(({ name }) => name);
  const resident = new ResidentWeights(engine, weightSpecs(config));
  const program = await engine.compile(trainProgram(config));
  const sum = new Map<string, Float64Array>();
  try {
    resident.load(pickWeights(config, weights));
    for (let from = 0; from < clips.length; from += ROWS) {
      const batch = batchOfClips(config, clips.slice(from, from + ROWS));
      const own = { ...batchFeeds(engine, config, batch), ...lossFeeds(engine, batch) };
      const outputs = await program.run({ ...resident.feeds(), ...own }).finally(() => disposeAll(own));
      try {
        for (const name of names) add(sum, { name, gradient: (await outputs[`grad/${name}`]!.read()) as Float32Array, weight: batch.rows / clips.length });
      } finally {
        disposeAll(outputs);
      }
      await onBatch?.();
    }
  } finally {
    resident.dispose();
    await program.dispose();
  }
  const unfit = [...sum].find(([, values]) => !values.every(Number.isFinite));
  if (unfit) throw new InvalidInput(`Expected a finite gradient, got one that is not of ${unfit[0]}`);
  return sum;
}

function add(sum: Map<string, Float64Array>, { name, gradient, weight }: { name: string; gradient: Float32Array; weight: number }): void {
  const total = sum.get(name) ?? new Float64Array(gradient.length);
  for (let i = 0; i < gradient.length; i++) total[i]! += weight * gradient[i]!;
  sum.set(name, total);
}
