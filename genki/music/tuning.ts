import type { Engine } from '../engine/engine.ts';
import type { TensorMap } from '../protocol/safetensors.ts';
import { batchOfClips } from './batch.ts';
import type { Clip } from './clip.ts';
import type { Conditioner } from './conditioner.ts';
import type { LanguageConfig } from './config.ts';
import type { LossCurve, LossPoint } from './loss-curve.ts';
import { checkHyper, type Hyper } from './schedule.ts';
import { ToldTexts } from './told-texts.ts';
import { type Trainable, Trainer } from './trainer.ts';

/** What a training run is made from, whatever it trains. */
export type Tuning = {
  readonly engine: Engine;
  readonly music: LanguageConfig;
  /** All weights of the model, and maybe tensors of others. */
  readonly weights: TensorMap;
  /** Told all captions before the training, then let go of. */
  readonly conditioner: Conditioner;
  /** The clips of each step, from 0; a function of the step alone. */
  readonly sample: (step: number) => readonly Clip[];
  readonly hyper: Hyper;
  /** What the start of a new adapter and the dropping of text are drawn from. */
  readonly seed: string;
  /** Where an earlier run with the same arguments had come to. */
  readonly checkpoint?: Uint8Array;
};

/** A run as it is now. */
export type Running = { readonly curve: LossCurve; checkpoint(): Uint8Array };

/** `done`: false when it was stopped: it can go on from `checkpoint()`. */
export type Tuned<T> = Running & { readonly result: T; readonly done: boolean };

/** What is told and asked as it goes: true to go on, false to stop. */
export type Hooks = {
  onStep(step: LossPoint, running: Running): Promise<boolean>;
  /** After each different caption. */
  onTold?(told: { readonly captions: number; readonly of: number }): Promise<boolean>;
  /** After each part of a step: a step of a large model takes minutes. */
  onPart?(): Promise<void>;
};

/**
 * What a trainer gives after all steps, or where it was stopped.
 * @returns undefined when it was stopped before it began
 * @throws {InvalidInput} naming what cannot be, or the step at which the loss is no longer finite
 */
export async function tune<T>(of: Tuning, { trainable, result }: { trainable: Trainable; result: (trainer: Trainer) => T }, hooks: Hooks): Promise<Tuned<T> | undefined> {
  const { engine, music, weights, hyper, seed, checkpoint, sample } = of;
  checkHyper(hyper);
  const told = await tellCaptions(of, hooks);
  if (told === undefined) return undefined;
  const trainer = await Trainer.create(engine, music, weights, trainable, hyper, seed);
  try {
    if (checkpoint) trainer.restore(checkpoint);
    const running: Running = { get curve() { return trainer.curve; }, checkpoint: () => trainer.checkpoint() };
    let goesOn = true;
    while (goesOn && trainer.stepsDone < hyper.steps) {
      const clips = sample(trainer.stepsDone);
      await trainer.stepOn(batchOfClips(music, clips, told.batch(clips.map(({ caption }) => caption))), hooks.onPart);
      goesOn = await hooks.onStep(trainer.curve.at(-1)!, running);
    }
    return { result: result(trainer), curve: trainer.curve, checkpoint: running.checkpoint, done: goesOn };
  } finally {
    await trainer.dispose();
  }
}

/** All different captions of a run, in the order in which they first come. */
async function tellCaptions({ conditioner, sample, hyper }: Tuning, { onTold }: Hooks): Promise<ToldTexts | undefined> {
  const captions = new Set<string>();
  for (let step = 0; step < hyper.steps; step++) for (const { caption } of sample(step)) captions.add(caption);
  try {
    return await ToldTexts.tell(conditioner, captions, async (told) => (await onTold?.({ captions: told, of: captions.size })) ?? true);
  } finally {
    await conditioner.dispose();
  }
}
