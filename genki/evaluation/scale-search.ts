import { forgetting, type Forgetting } from './guard.ts';
import { pairedGain, type HoldOut, type Losses } from './held-out.ts';
import { roomToLearn } from './relative-gain.ts';

/** One merge of some members at one scale, measured. */
export type Trial = {
  readonly members: readonly number[];
  /** Where in the list of scales. */
  readonly at: number;
  readonly losses: Losses;
  /** Mean over the learned styles of the part of what could be learned that it has learned. */
  readonly gain: number;
  /** The guarded style that suffers most. */
  readonly forgot?: Forgetting;
  /** By how much that is beyond the tolerance, nats per code; at most 0 is fine. */
  readonly excess: number;
};

/** Losses of the base plus Σ scale · update over the members; no members: the base itself. */
export type Evaluate = (members: readonly number[], scale: number) => Promise<Losses>;

export type TrialsOptions = {
  readonly evaluate: Evaluate;
  readonly holdOut: HoldOut;
  /** Scales that may be chosen, ascending. */
  readonly scales: readonly number[];
  /** What a guarded style may lose, nats per code. */
  readonly tolerance: number;
  readonly onProgress?: (evaluations: number) => void;
};

/** Measures merges, each at most once: an evaluation is what a round spends its time on. */
export class Trials {
  readonly #options: TrialsOptions;
  readonly #measured = new Map<string, Promise<Trial>>();
  #base: Promise<Losses> | undefined;
  evaluations = 0;

  constructor(options: TrialsOptions) {
    const { scales } = options;
    const ascending = scales.every((scale, i) => scale > (scales[i - 1] ?? 0) && Number.isFinite(scale));
    if (scales.length === 0 || !ascending) throw new RangeError(`Expected positive scales in ascending order, got ${scales.join(', ') || 'none'}`);
    this.#options = options;
  }

  get scales(): readonly number[] {
    return this.#options.scales;
  }

  base(): Promise<Losses> {
    return (this.#base ??= this.#evaluate([], 0));
  }

  /** The merge of the members (ascending) at `scales[at]`. */
  measure(members: readonly number[], at: number): Promise<Trial> {
    const key = members.length === 0 ? '' : `${members.join()}@${at}`;
    const known = this.#measured.get(key);
    if (known) return known;
    const trial = this.#try(members, at);
    this.#measured.set(key, trial);
    return trial;
  }

  async #try(members: readonly number[], at: number): Promise<Trial> {
    const { holdOut, scales, tolerance } = this.#options;
    const base = await this.base();
    if (members.length === 0) return { members, at, losses: base, gain: 0, excess: -tolerance };
    const losses = await this.#evaluate(members, scales[at]!);
    const gain = pairedGain(base, losses, holdOut, roomToLearn(base, holdOut)).mean;
    const forgot = forgetting(base, losses, holdOut);
    return forgot ? { members, at, losses, gain, forgot, excess: forgot.loss - tolerance } : { members, at, losses, gain, excess: -tolerance };
  }

  #evaluate(members: readonly number[], scale: number): Promise<Losses> {
    this.evaluations++;
    this.#options.onProgress?.(this.evaluations);
    return this.#options.evaluate(members, scale);
  }
}

/** Whether one trial is to be preferred: one that keeps the guard over one that does not, then the larger gain, or else the smaller excess. */
export function isBetter(one: Trial, other: Trial): boolean {
  if (one.excess <= 0 && other.excess <= 0) return one.gain > other.gain;
  if (one.excess <= 0 || other.excess <= 0) return one.excess <= 0;
  return one.excess < other.excess;
}

/**
 * The best scale for a set of members by climbing from a starting point, down before up. The gain has one peak in the
 * scale: too little leaves what could be learned, too much overshoots and forgets.
 *
 * @param start index of the scale to begin with, such as the last round's
 * @returns the best trial found; its `excess` is positive when no scale on the way keeps the guard
 */
export async function searchScale(trials: Trials, members: readonly number[], start: number): Promise<Trial> {
  const first = await trials.measure(members, start);
  const lower = await climb(trials, first, -1);
  return lower === first ? climb(trials, first, 1) : lower;
}

/** Goes on in one direction for as long as it gets better. */
export async function climb(trials: Trials, from: Trial, step: 1 | -1): Promise<Trial> {
  let best = from;
  for (let at = from.at + step; at >= 0 && at < trials.scales.length; at += step) {
    const next = await trials.measure(from.members, at);
    if (!isBetter(next, best)) break;
    best = next;
  }
  return best;
}

/** Index of the scale nearest to a given one. */
export function nearestScale(scales: readonly number[], scale: number): number {
  return scales.reduce((best, one, i) => (Math.abs(one - scale) < Math.abs(scales[best]! - scale) ? i : best), 0);
}
