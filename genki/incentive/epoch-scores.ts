import { InvalidInput } from '../errors.ts';
import type { Miner, Scored, SinceEpoch } from './miner.ts';
import { averageScores, type Score } from './moving-average.ts';
import { known, shares } from './policy.ts';
import { ordinalOf, rateEpoch, type Rating } from './rating.ts';

/** How the scores of an epoch become weights together with those of the epochs before. */
export type OverTime =
  /** The moving average of the scores; a rate of 1 forgets the past. */
  | { readonly kind: 'average'; readonly rate: number; readonly expiresAfter: number }
  /** A rating that each epoch is one game for. */
  | { readonly kind: 'openskill'; readonly expiresAfter: number };

/** What an epoch leaves to the next, as it stands in a report. */
export type Carried = { readonly kind: 'average'; readonly entries: readonly Score[] } | { readonly kind: 'openskill'; readonly entries: readonly Rating[] };

/** Those entries alone that may be gone on from. */
export function carriedIf(carried: Carried, isUsable: (entry: SinceEpoch) => boolean): Carried {
  switch (carried.kind) {
    case 'average':
      return { kind: 'average', entries: carried.entries.filter(isUsable) };
    case 'openskill':
      return { kind: 'openskill', entries: carried.entries.filter(isUsable) };
  }
}

/** As many miners as a report has room for; beyond it the longest unmeasured are forgotten. */
export const MAX_CARRIED = 4096;

export type Epoch = {
  readonly competition: string;
  readonly epoch: number;
  readonly overTime: OverTime;
  /** What the epochs before left; of another kind it counts as nothing. It may hold several competitions. */
  readonly previous?: Carried | undefined;
  /** In commit order; the score is in [−1, 1], and what is not a number counts as 0. Who was skipped is not in it. */
  readonly measured: readonly (Omit<Miner, 'competition'> & { readonly score: number })[];
};

/**
 * The weights of one epoch, and what it leaves to the next.
 *
 * 1. Who was not measured has no weight; its old score is kept until it expires, and never paid.
 * 2. Who earned nothing in this epoch is paid nothing in it, whatever it earned before: its average only falls more slowly.
 * 3. All others are paid by their average; or by max(0, μ − 3σ), and by this epoch's scores as long as that is 0 for all.
 * 4. Other competitions' entries are passed on as they are.
 *
 * @returns `weights` by hotkey, of everybody measured: finite, ≥ 0, summing to 1 or all 0
 * @throws {InvalidInput} when this competition's state is from this epoch or a later one, or a hotkey is measured twice
 */
export function epochScores(epoch: Epoch): { readonly weights: Map<string, number>; readonly carried: Carried } {
  const { competition, measured } = epoch;
  if (measured.length > MAX_CARRIED) throw new InvalidInput(`Expected at most ${MAX_CARRIED} miners, got ${measured.length}`);
  const now = measured.map(({ hotkey, registeredAt, score }) => ({ competition, hotkey, registeredAt, value: known(score, 0) }));
  const earned = now.map(({ value }) => Math.max(0, value));
  const { worth, carried } = overTimeOf(now, epoch);
  const isKnown = worth.some((value, i) => value > 0 && earned[i]! > 0);
  const paid = epoch.overTime.kind === 'openskill' && !isKnown ? earned : worth;
  const weights = shares(paid.map((value, i) => (earned[i]! > 0 ? value : 0)));
  return { weights: new Map(now.map(({ hotkey }, i) => [hotkey, weights[i]!])), carried };
}

/** What each miner measured now is worth, this epoch included. */
function overTimeOf(now: readonly Scored[], { competition, epoch, overTime, previous }: Epoch): { readonly worth: readonly number[]; readonly carried: Carried } {
  switch (overTime.kind) {
    case 'average': {
      const { ours, others } = partition(previous?.kind === 'average' ? previous.entries : [], competition);
      const scores = averageScores(ours, now, epoch, overTime);
      return { worth: now.map((_, i) => scores[i]!.value), carried: { kind: 'average', entries: newest([...scores, ...others]) } };
    }
    case 'openskill': {
      const { ours, others } = partition(previous?.kind === 'openskill' ? previous.entries : [], competition);
      const ratings = rateEpoch(ours, now, epoch, overTime.expiresAfter);
      return { worth: now.map((_, i) => ordinalOf(ratings[i]!)), carried: { kind: 'openskill', entries: newest([...ratings, ...others]) } };
    }
  }
}

function partition<T extends Miner>(entries: readonly T[], competition: string): { ours: T[]; others: T[] } {
  return { ours: entries.filter((one) => one.competition === competition), others: entries.filter((one) => one.competition !== competition) };
}

const newest = <T extends SinceEpoch>(entries: readonly T[]): T[] => [...entries].sort((a, b) => b.epoch - a.epoch).slice(0, MAX_CARRIED);
