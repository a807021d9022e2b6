import type { Estimate } from './held-out.ts';
import { climb, isBetter, searchScale, type Trial, type Trials } from './scale-search.ts';
import type { Judge, Judged, Verdict } from './verdict.ts';

/** Each one more is a member to be judged again whenever another one is dropped, and its matrices in every merge that follows. */
export const MAX_ACCEPTED = 32;

/** Of a larger set than this only so many are judged again when one is dropped: those that were nearest to be dropped themselves. */
const JUDGED_AGAIN = 10;

/** The merge of those that were kept, with a verdict on everybody. */
export type Selection = { readonly kept: Trial; readonly verdicts: ReadonlyMap<number, Verdict> };

/**
 * Everybody judged at one limit of norms: forward in commit order what adds enough to what is kept already, then the best
 * scale of what is kept and backward, one after the other, what no longer does.
 *
 * @param start without members: the limit, and the scale to begin with
 */
export async function select(trials: Trials, start: Trial, { candidates, judge }: { candidates: readonly number[]; judge: Judge }): Promise<Selection> {
  const verdicts = new Map<number, Verdict>();
  let kept = start;
  for (const index of candidates) {
    if (kept.members.length === MAX_ACCEPTED) {
      verdicts.set(index, { index, accepted: false, margin: null, marginal: null, reason: `not tried: ${MAX_ACCEPTED} earlier ones are accepted already` });
      continue;
    }
    const { trial, verdict } = await tryAdding(trials, kept, index, judge);
    verdicts.set(index, verdict);
    if (verdict.accepted) kept = trial;
  }
  let judged: Judged[] = [];
  for (;;) {
    if (kept.members.length > 0) kept = await searchScale(trials, kept);
    judged = await judgeMembers(trials, kept, { judge, before: judged });
    judged.forEach(({ verdict }) => verdicts.set(verdict.index, verdict));
    const weakest = weakestOf(judged);
    if (!weakest) return { kept, verdicts };
    const members = kept.members.filter((member) => member !== weakest.verdict.index);
    kept = await trials.measure({ ...kept, members, beside: members });
  }
}

/** At the kept set's scale, and where that is not enough at smaller ones, since more members together want less. */
async function tryAdding(trials: Trials, kept: Trial, index: number, judge: Judge): Promise<Judged> {
  const members = [...kept.members, index];
  const measure = (at: number): Promise<Trial> => trials.measure({ ...kept, members, beside: members, at });
  let judged = judge(index, await measure(kept.at), { same: kept, best: kept });
  for (let at = kept.at - 1; at >= 0 && !judged.verdict.accepted; at--) {
    const within = await measure(at);
    if (!isBetter(within, judged.trial)) break;
    const same = await trials.measure({ ...kept, at });
    judged = judge(index, within, { same, best: isBetter(same, kept) ? same : kept });
  }
  return judged;
}

/** All members of a small set; of a large one those that were not judged before, and those that were nearest to be dropped. */
async function judgeMembers(trials: Trials, kept: Trial, { judge, before }: { judge: Judge; before: readonly Judged[] }): Promise<Judged[]> {
  const known = before.filter(({ verdict }) => kept.members.includes(verdict.index));
  const far = known.length <= JUDGED_AGAIN ? [] : [...known].sort((a, b) => marginOf(a) - marginOf(b)).slice(JUDGED_AGAIN);
  const judged: Judged[] = [];
  for (const index of kept.members) judged.push(far.find(({ verdict }) => verdict.index === index) ?? (await judgeMember(trials, kept, index, judge)));
  return judged;
}

const marginOf = ({ verdict }: Judged): number => verdict.margin ?? -Infinity;

/** What a member adds to the rest of the set, of which nobody stands in for it; without it the best scale may be a higher one. */
async function judgeMember(trials: Trials, kept: Trial, index: number, judge: Judge): Promise<Judged> {
  const same = await trials.measure({ ...kept, members: kept.members.filter((member) => member !== index) });
  const judged = judge(index, kept, { same });
  return judged.verdict.accepted ? judged : judge(index, kept, { same, best: await climb(trials, same, 1) });
}

/** Of those that do not add enough the one whose style gains least, and of those alike the latest. */
const weakestOf = (judged: readonly Judged[]): Judged | undefined =>
  judged.filter(({ verdict }) => !verdict.accepted).reduceRight<Judged | undefined>((weakest, one) => (weakest === undefined || isLess(one.special, weakest.special) ? one : weakest), undefined);

const isLess = (one: Estimate, other: Estimate): boolean => one.mean < other.mean - Math.hypot(one.standardError, other.standardError);
