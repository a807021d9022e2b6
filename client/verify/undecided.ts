import type { Acceptance } from '../../genki/evaluation/acceptance.ts';
import { UNDECIDED } from '../../genki/evaluation/verdict.ts';

/** Whom a report accepted, by their places among those that were scored, and at which scale. */
export type Accepted = { readonly accepted: readonly number[]; readonly scale: number };

/** What another engine's losses leave open between two acceptances. */
export type Settled = {
  readonly acceptance: Acceptance;
  /** Of those whose verdict is so close that either may be right; undefined where the two agree, or do not for sure. */
  readonly undecided?: readonly number[];
};

/**
 * The acceptance to go on with: our own, unless the report's differs from it only in verdicts within the undecided band,
 * or in the scale; then the report's, as it comes of accepting just those at just that scale.
 * @param only accepts among some alone, at one scale
 */
export async function settleUndecided(own: Acceptance, reported: Accepted, only: (among: readonly number[], scale: number) => Promise<Acceptance>): Promise<Settled> {
  const differing = own.verdicts.filter(({ index, accepted }) => accepted !== reported.accepted.includes(index));
  if (differing.length === 0 && own.scale === reported.scale) return { acceptance: own };
  const isOpen = differing.every(({ margin }) => margin !== null && Math.abs(margin) <= UNDECIDED);
  if (!isOpen) return { acceptance: own };
  const theirs = await only(reported.accepted, reported.scale);
  const isTheirs = String(theirs.accepted) === String(reported.accepted) && Math.abs(theirs.gain - own.gain) <= UNDECIDED;
  if (!isTheirs) return { acceptance: own };
  const verdicts = own.verdicts.map((verdict) => theirs.verdicts.find(({ index }) => index === verdict.index) ?? { ...verdict, accepted: false });
  return { acceptance: { ...theirs, verdicts }, undecided: differing.map(({ index }) => index) };
}
