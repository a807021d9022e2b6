import { Random } from '../protocol/random.ts';
import type { AdamWConfig } from './adamw.ts';

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
};

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
