import { InvalidInput } from '../errors.ts';
import { medianNorm } from '../federation/norm-clip.ts';
import { checkHoldOut, pairedGain, type HoldOut } from './held-out.ts';
import { sharesOf } from './mix.ts';
import { roomToLearn } from './relative-gain.ts';
import { remainderOf, type Residual } from './residual.ts';
import { nearestScale, searchScale, Trials, type Evaluate, type Trial } from './scale-search.ts';
import { select, type Selection } from './selection.ts';
import { normOf, type Gram } from './span.ts';
import { judgeBy, type AcceptThresholds, type Verdict } from './verdict.ts';

/** How often everybody is judged, each time at the norm of who was accepted the time before. */
const MAX_PASSES = 3;
/** A limit within a tenth of the one that was judged with changes no verdict: the next scale is a fifth away at least. */
const SAME_LIMIT = 1.1;
/** Who is longer than half as much again as the limit is not merely the longer half: honest norms lie within a fifth of each other. */
const CUT = 1.5;

export type Acceptance = {
  /** Ascending, so in commit order. */
  readonly accepted: readonly number[];
  /** One for each candidate, in commit order. */
  readonly verdicts: readonly Verdict[];
  /** At which the accepted are merged. */
  readonly scale: number;
  /** What each submission, or what is left of it, is multiplied by, so that all are as long as the limit; 1 for who is no candidate. Shape [submissions]. */
  readonly factors: readonly number[];
  /** What each submission has of the accepted ones before it and is valued without; empty for most. Shape [submissions]. */
  readonly residuals: readonly Residual[];
  /** Correlation of each submission with the accepted ones before it, in [0, 1]. Shape [submissions]. */
  readonly overlaps: readonly number[];
  /** What that merge learned: a part of what can be learned, mean over the styles. */
  readonly gain: number;
  readonly evaluations: number;
};

export type AcceptOptions = {
  /** Indices of the submissions that are no copies, ascending: in commit order. */
  readonly candidates: readonly number[];
  /** Inner products of all submissions' updates. */
  readonly gram: Gram;
  readonly evaluate: Evaluate;
  /** Part A of the hold-out. */
  readonly holdOut: HoldOut;
  /** Scales that may be chosen, ascending. */
  readonly scales: readonly number[];
  /** Where the search begins: the last round's scale. Default: the middle one. */
  readonly lastScale?: number;
  readonly thresholds: AcceptThresholds & { /** Between which the median norm is taken that all are brought to. */ readonly normFloor: number; readonly normCap: number };
  readonly onProgress?: (evaluations: number) => void;
};

/**
 * Which candidates are worth merging, at which scale and how long (protocol §3.16b).
 *
 * 1. Forward in commit order: keep what lowers the loss on top of what is kept already, at the re-searched scale. Whatever
 *    a candidate has of those kept before it is taken out first (`remainderOf`), so it is judged and paid by the rest.
 * 2. Search the scale of what is kept; drop the one that adds least among those that no longer add enough, the latest
 *    where they add alike; again until everybody adds enough (`judgeBy` says what that is). What only imitates a style gains
 *    while it is alone and goes once the style itself is there; a late near-twin, which is left without what it has of the
 *    earlier one, never displaces it.
 * 3. All are brought to the candidates' median norm at first. Where another limit follows from who is accepted (`limitFor`), all
 *    is done again with that one: many updates of tiny norm, which nobody accepts, change nothing.
 *
 * Only what is accepted is taken out of others: else who hands in a tiny one of each style, and earns nothing, would take
 * from everybody what all who learn a style have in common, most of what they earn.
 *
 * At most `MAX_ACCEPTED` are kept, the earliest. Evaluations: about two for a candidate, one more for each member kept and
 * ten for each dropped, in each of three passes at most; one pass is the rule.
 *
 * @throws {InvalidInput} when the hold-out lacks a group, or the candidates are out of order
 */
export async function accept(options: AcceptOptions): Promise<Acceptance> {
  const { candidates, holdOut, scales, lastScale, thresholds } = options;
  checkHoldOut(holdOut);
  if (candidates.some((index, i) => index <= (candidates[i - 1] ?? -1))) throw new InvalidInput(`Expected candidates in commit order, got ${candidates.join(', ')}`);
  const trials = new Trials({ ...options, tolerance: thresholds.guardNats });
  const units = roomToLearn(await trials.base(), holdOut);
  const judge = judgeBy({ holdOut, units, candidates: candidates.length, thresholds });

  let limit = limitOf(options, candidates);
  let at = lastScale === undefined ? scales.length >> 1 : nearestScale(scales, lastScale);
  for (let pass = 1; ; pass++) {
    const selection = await select(trials, await trials.measure({ members: [], beside: [], limit, at }), { candidates, judge });
    const next = await limitFor(options, selection.kept, { trials, units });
    const settled = Math.max(next / limit, limit / next) <= SAME_LIMIT;
    if (settled || pass === MAX_PASSES) return await conclude(options, { trials, selection, limit: settled ? next : limit });
    limit = next;
    at = selection.kept.at;
  }
}

const limitOf = ({ gram, thresholds }: AcceptOptions, indices: readonly number[]): number =>
  medianNorm(indices.map((index) => normOf(gram, index)), { floor: thresholds.normFloor, cap: thresholds.normCap });

/**
 * The limit that follows from who is kept: their median. Where it cuts some of them short by far, the median of those is
 * tried as well, and taken if the merge is better for certain: so a majority of short updates, each of a little use, does not
 * shorten the others, and one that claims to be more than it is does not free itself.
 */
async function limitFor(options: AcceptOptions, kept: Trial, { trials, units }: { trials: Trials; units: Readonly<Record<string, number>> }): Promise<number> {
  const { candidates, gram, holdOut, thresholds } = options;
  const nobody = kept.members.length === 0;
  const own = nobody ? kept.limit : limitOf(options, kept.members);
  const cut = (nobody ? candidates : kept.members).filter((index) => normOf(gram, index) > CUT * own);
  if (cut.length === 0) return own;
  const longer = limitOf(options, cut);
  if (nobody || longer <= own) return longer;
  const one = await searchScale(trials, { ...kept, limit: own });
  const other = await searchScale(trials, { ...kept, limit: longer });
  const gain = pairedGain(one.losses, other.losses, holdOut, units);
  const better = gain.mean > Math.max(thresholds.acceptZ * gain.standardError, thresholds.minimumShare * other.gain);
  return better && other.excess <= 0 ? longer : own;
}

async function conclude(options: AcceptOptions, { trials, selection, limit }: { trials: Trials; selection: Selection; limit: number }): Promise<Acceptance> {
  const { candidates, gram, scales } = options;
  const { kept, verdicts } = selection;
  const again = limit === kept.limit || kept.members.length === 0 ? kept : await searchScale(trials, { ...kept, limit });
  const merge = again.excess <= 0 ? again : kept;
  const everybody = gram.map((_, index) => index);
  const shares = sharesOf(gram, everybody, { beside: merge.members, limit: merge.limit });
  return {
    accepted: merge.members,
    verdicts: candidates.map((index) => verdicts.get(index)!),
    scale: scales[merge.at]!,
    factors: shares.map(({ index, factor }) => (candidates.includes(index) ? factor : 1)),
    residuals: shares.map(({ residual }) => residual),
    overlaps: everybody.map((index) => remainderOf(gram, index, merge.members).correlation),
    gain: merge.gain,
    evaluations: trials.evaluations,
  };
}
