import { forgetting, type Forgetting } from './guard.ts';
import { pairedGain, type HoldOut, type Losses } from './held-out.ts';
import { sharesOf, termsOf, type Term } from './mix.ts';
import { roomToLearn } from './relative-gain.ts';
import type { Gram } from './span.ts';

/** One merge of some members at one scale, measured. */
export type Trial = {
  readonly members: readonly number[];
  /** Whose work the members do not count as their own: themselves, and who was left out to see what it adds. */
  readonly beside: readonly number[];
  /** The norm that members are clipped to. */
  readonly limit: number;
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

/** What a trial merges, and how. */
export type Merge = Pick<Trial, 'members' | 'beside' | 'limit' | 'at'>;

/** Losses of the base plus Σ weight · ΔW over the terms, which name submissions as they were handed in; no term: the base itself. */
export type Evaluate = (terms: readonly Term[]) => Promise<Losses>;

export type TrialsOptions = {
  readonly evaluate: Evaluate;
  /** Of all submissions' updates. */
  readonly gram: Gram;
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
  readonly #trials = new Map<string, Promise<Trial>>();
  readonly #measured = new Map<string, Promise<Losses>>();
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
    return this.#losses([]);
  }

  /** The merge of its members (ascending) at `scales[at]`. */
  measure({ members, beside, limit, at }: Merge): Promise<Trial> {
    const key = [members, beside, limit, at].join(' ');
    const known = this.#trials.get(key);
    if (known) return known;
    const trial = this.#try({ members, beside, limit, at });
    this.#trials.set(key, trial);
    return trial;
  }

  async #try(merge: Merge): Promise<Trial> {
    const { gram, holdOut, scales, tolerance } = this.#options;
    const base = await this.base();
    if (merge.members.length === 0) return { ...merge, losses: base, gain: 0, excess: -tolerance };
    const losses = await this.#losses(termsOf(sharesOf(gram, merge.members, merge), scales[merge.at]!));
    const gain = pairedGain(base, losses, holdOut, roomToLearn(base, holdOut)).mean;
    const forgot = forgetting(base, losses, holdOut);
    return forgot ? { ...merge, losses, gain, forgot, excess: forgot.loss - tolerance } : { ...merge, losses, gain, excess: -tolerance };
  }

  #losses(terms: readonly Term[]): Promise<Losses> {
    const key = terms.map(({ index, weight }) => `${index}:${weight}`).join();
    const known = this.#measured.get(key);
    if (known) return known;
    this.evaluations++;
    this.#options.onProgress?.(this.evaluations);
    const losses = this.#options.evaluate(terms);
    this.#measured.set(key, losses);
    return losses;
  }
}

/** Whether one trial is to be preferred: one that keeps the guard over one that does not, then the larger gain, or else the smaller excess. */
export function isBetter(one: Trial, other: Trial): boolean {
  if (one.excess <= 0 && other.excess <= 0) return one.gain > other.gain;
  if (one.excess <= 0 || other.excess <= 0) return one.excess <= 0;
  return one.excess < other.excess;
}

/**
 * The best scale for a set of members by climbing from where a trial stands, down before up. The gain has one peak in the
 * scale: too little leaves what could be learned, too much overshoots and forgets.
 *
 * @param from with the index of the scale to begin with, such as the last round's
 * @returns the best trial found; its `excess` is positive when no scale on the way keeps the guard
 */
export async function searchScale(trials: Trials, from: Merge): Promise<Trial> {
  const first = await trials.measure(from);
  const lower = await climb(trials, first, -1);
  return lower === first ? climb(trials, first, 1) : lower;
}

/** Goes on in one direction for as long as it gets better. */
export async function climb(trials: Trials, from: Trial, step: 1 | -1): Promise<Trial> {
  let best = from;
  for (let at = from.at + step; at >= 0 && at < trials.scales.length; at += step) {
    const next = await trials.measure({ ...from, at });
    if (!isBetter(next, best)) break;
    best = next;
  }
  return best;
}

/** Index of the scale nearest to a given one. */
export function nearestScale(scales: readonly number[], scale: number): number {
  return scales.reduce((best, one, i) => (Math.abs(one - scale) < Math.abs(scales[best]! - scale) ? i : best), 0);
}
