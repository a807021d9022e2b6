import { InvalidInput } from '../errors.ts';
import { checkHoldOut, type Estimate, type HoldOut } from './held-out.ts';
import { roomToLearn } from './relative-gain.ts';
import { climb, isBetter, nearestScale, searchScale, Trials, type Evaluate, type Trial } from './scale-search.ts';
import { MAX_PLAYERS } from './shapley.ts';
import { judgeBy, type AcceptThresholds, type Judge, type Judged, type Verdict } from './verdict.ts';

export type Acceptance = {
  /** Ascending, so in commit order. */
  readonly accepted: readonly number[];
  /** One for each candidate, in commit order. */
  readonly verdicts: readonly Verdict[];
  /** At which the accepted are merged. */
  readonly scale: number;
  /** What that merge learned: a part of what can be learned, mean over the styles. */
  readonly gain: number;
  readonly evaluations: number;
};

export type AcceptOptions = {
  /** Indices of the submissions that are no copies, ascending: in commit order. */
  readonly candidates: readonly number[];
  readonly evaluate: Evaluate;
  /** Part A of the hold-out. */
  readonly holdOut: HoldOut;
  /** Scales that may be chosen, ascending. */
  readonly scales: readonly number[];
  /** Where the search begins: the last round's scale. Default: the middle one. */
  readonly lastScale?: number;
  readonly thresholds: AcceptThresholds;
  readonly onProgress?: (evaluations: number) => void;
};

/**
 * Which candidates are worth merging, and at which scale (protocol §3.16b).
 *
 * 1. Forward in commit order: keep what lowers the loss on top of what is kept already, at the re-searched scale.
 * 2. Search the scale of what is kept; drop the one that adds least among those that no longer add enough, the latest
 *    where they add alike; again until everybody adds enough (`judgeBy` says what that is). What only imitates a style gains while it is alone and goes
 *    once the style itself is there; a late near-twin never displaces the earlier one.
 *
 * At most 10 are kept, as many as the exact Shapley value is computed for.
 *
 * @throws {InvalidInput} when the hold-out lacks a group, or the candidates are out of order
 */
export async function accept(options: AcceptOptions): Promise<Acceptance> {
  const { candidates, holdOut, scales, lastScale, thresholds } = options;
  checkHoldOut(holdOut);
  if (candidates.some((index, i) => index <= (candidates[i - 1] ?? -1))) throw new InvalidInput(`Expected candidates in commit order, got ${candidates.join(', ')}`);
  const trials = new Trials({ ...options, tolerance: thresholds.guardNats });
  const judge = judgeBy({ holdOut, units: roomToLearn(await trials.base(), holdOut), candidates: candidates.length, thresholds });
  const verdicts = new Map<number, Verdict>();

  let kept = await trials.measure([], lastScale === undefined ? scales.length >> 1 : nearestScale(scales, lastScale));
  for (const index of candidates) {
    if (kept.members.length === MAX_PLAYERS) {
      verdicts.set(index, { index, accepted: false, marginal: null, reason: `not tried: ${MAX_PLAYERS} earlier ones are accepted already` });
      continue;
    }
    const { trial, verdict } = await tryAdding(trials, kept, index, judge);
    verdicts.set(index, verdict);
    if (verdict.accepted) kept = trial;
  }
  for (;;) {
    if (kept.members.length > 0) kept = await searchScale(trials, kept.members, kept.at);
    const judged = await inTurn(kept.members, (index) => judgeMember(trials, kept, index, judge));
    judged.forEach(({ verdict }) => verdicts.set(verdict.index, verdict));
    const weakest = weakestOf(judged);
    if (!weakest) break;
    kept = await leaveOut(trials, kept, weakest.verdict.index);
  }
  return {
    accepted: kept.members,
    verdicts: candidates.map((index) => verdicts.get(index)!),
    scale: scales[kept.at]!,
    gain: kept.gain,
    evaluations: trials.evaluations,
  };
}

/** At the kept set's scale, and where that is not enough at smaller ones, since more members together want less. */
async function tryAdding(trials: Trials, kept: Trial, index: number, judge: Judge): Promise<Judged> {
  const members = [...kept.members, index];
  let judged = judge(index, await trials.measure(members, kept.at), { same: kept, best: kept });
  for (let at = kept.at - 1; at >= 0 && !judged.verdict.accepted; at--) {
    const within = await trials.measure(members, at);
    if (!isBetter(within, judged.trial)) break;
    const same = await trials.measure(kept.members, at);
    judged = judge(index, within, { same, best: isBetter(same, kept) ? same : kept });
  }
  return judged;
}

/** What a member adds to the rest of the set; without it the best scale may be a higher one. */
async function judgeMember(trials: Trials, kept: Trial, index: number, judge: Judge): Promise<Judged> {
  const same = await leaveOut(trials, kept, index);
  const judged = judge(index, kept, { same });
  return judged.verdict.accepted ? judged : judge(index, kept, { same, best: await climb(trials, same, 1) });
}

const leaveOut = (trials: Trials, kept: Trial, index: number): Promise<Trial> =>
  trials.measure(kept.members.filter((member) => member !== index), kept.at);

/** Of those that do not add enough the one whose style gains least, and of those alike the latest. */
const weakestOf = (judged: readonly Judged[]): Judged | undefined =>
  judged.filter(({ verdict }) => !verdict.accepted).reduceRight<Judged | undefined>((weakest, one) => (weakest === undefined || isLess(one.special, weakest.special) ? one : weakest), undefined);

const isLess = (one: Estimate, other: Estimate): boolean => one.mean < other.mean - Math.hypot(one.standardError, other.standardError);

async function inTurn<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<R[]> {
  const made: R[] = [];
  for (const item of items) made.push(await make(item));
  return made;
}
