import type { Adapter, LoraConfig } from './lora.ts';
import { type Hooks, type Running, tune, type Tuning } from './tuning.ts';

export type { Hooks } from './tuning.ts';

export type FineTuning = Tuning & {
  readonly lora: LoraConfig;
  /** What to start from; none: an adapter that changes nothing. */
  readonly adapter?: Adapter;
};

export type FineTuned = Running & {
  readonly adapter: Adapter;
  /** False when it was stopped: it can go on from `checkpoint()`. */
  readonly done: boolean;
};

/**
 * Trains an adapter on clips and their captions. The same arguments give the same adapter, stopped and taken up again
 * at any step or not, on the same engine build.
 * @returns undefined when it was stopped before it began
 * @throws {InvalidInput} naming what cannot be, or the step at which the loss is no longer finite
 */
export async function fineTune(of: FineTuning, hooks: Hooks): Promise<FineTuned | undefined> {
  const { lora, adapter } = of;
  const tuned = await tune(of, { trainable: { kind: 'lora', lora, ...(adapter && { adapter }) }, result: (trainer) => trainer.adapter() }, hooks);
  return tuned && { adapter: tuned.result, curve: tuned.curve, checkpoint: tuned.checkpoint, done: tuned.done };
}
