import { InvalidInput } from '../errors.ts';
import { Random } from '../protocol/random.ts';
import type { AdamWConfig } from './adamw.ts';

/**
 * What a training run is told. All of it is computed in float32: no engine has faster products of 16 bits.
 */
export type Hyper = AdamWConfig & {
  /** The highest one. */
  readonly learningRate: number;
  /** Steps in all: where a cosine schedule has come down to 0. */
  readonly steps: number;
  /** Steps of a linear rise at the start. */
  readonly warmup: number;
  /** After the warm-up: down to 0 along half a cosine (the default), or unchanged. */
  readonly schedule?: 'cosine' | 'constant';
  /** The longest gradient, all parameters together; longer ones are shortened. None: no limit. */
  readonly maxGradNorm?: number;
  /** How often a row is trained without its text, so that guidance has something to compare with. */
  readonly guidanceDropout: number;
  /** Clips in a step. */
  readonly batch: number;
  /** Parts in which a step's clips are gone through, one after the other: less memory, the same step but for rounding. Default 1. */
  readonly accumulation?: number | undefined;
  /** Keeps only what goes into each layer, and computes the rest of it again on the way back: less memory, the same step but for rounding. Of an adapter only. */
  readonly checkpointing?: boolean | undefined;
};

/** @throws {InvalidInput} naming the field that no run can have */
export function checkHyper({ learningRate, steps, warmup, batch, accumulation = 1, guidanceDropout, maxGradNorm = 1 }: Hyper): void {
  const expect = (ok: boolean, what: string, got: number): void => {
    if (!ok) throw new InvalidInput(`Expected ${what}, got ${got}`);
  };
  expect(learningRate >= 0 && learningRate < Infinity, 'a learning rate of 0 or more', learningRate);
  expect(Number.isInteger(steps) && steps >= 1, '1 step or more', steps);
  expect(Number.isInteger(warmup) && warmup >= 0, '0 steps of warm-up or more', warmup);
  expect(Number.isInteger(batch) && batch >= 1, '1 clip a step or more', batch);
  expect(Number.isInteger(accumulation) && accumulation >= 1 && accumulation <= batch, `an accumulation of 1 to ${batch}, the clips of a step`, accumulation);
  expect(guidanceDropout >= 0 && guidanceDropout <= 1, 'a guidance dropout of 0 to 1', guidanceDropout);
  expect(maxGradNorm > 0, 'a longest gradient above 0', maxGradNorm);
}

/** The learning rate of step `t`, from 1. A function of the step alone, so that a resumed run goes on as before. */
export function learningRateAt({ learningRate, steps, warmup, schedule = 'cosine' }: Hyper, t: number): number {
  if (t <= warmup) return (learningRate * t) / warmup;
  if (schedule === 'constant') return learningRate;
  const progress = Math.min(1, (t - 1 - warmup) / Math.max(1, steps - warmup));
  return learningRate * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** Which of a step's rows are trained without their text; drawn from the seed and the step alone. */
export function silentRows({ guidanceDropout }: Hyper, rows: number, seed: string, t: number): boolean[] {
  const random = new Random(`${seed}/guidance-dropout/${t}`);
  return Array.from({ length: rows }, () => random.chance(guidanceDropout));
}
