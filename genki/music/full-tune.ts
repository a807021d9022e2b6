import type { TensorMap } from '../protocol/safetensors.ts';
import { type Hooks, type Running, tune, type Tuning } from './tuning.ts';

export type FullTuned = Running & {
  /** All weights of the language model. */
  readonly weights: TensorMap;
  /** False when it was stopped: it can go on from `checkpoint()`. */
  readonly done: boolean;
};

/**
 * Trains all weights on clips and their captions. The same arguments give the same weights, stopped and taken up again
 * at any step or not, on the same engine build.
 * @returns undefined when it was stopped before it began
 * @throws {InvalidInput} naming what cannot be, or the step at which the loss is no longer finite
 */
export async function fullTune(of: Tuning, hooks: Hooks): Promise<FullTuned | undefined> {
  const tuned = await tune(of, { trainable: { kind: 'full' }, result: (trainer) => trainer.weights() }, hooks);
  return tuned && { weights: tuned.result, curve: tuned.curve, checkpoint: tuned.checkpoint, done: tuned.done };
}
