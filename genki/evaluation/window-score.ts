import type { Hotkey } from '../chain/chain.ts';
import { type ClipLosses, type Gain, meanGain, ownPagesGap } from './window-gains.ts';

/**
 * - `sound`: it learnt from what it was assigned.
 * - `lazy`: it does not show that, however well it goes with the others.
 * - `harmful`: music that nobody trained on gets worse by it.
 * - `unmeasured`: its update could not be read.
 */
export type Verdict = 'sound' | 'lazy' | 'harmful' | 'unmeasured';

/** What one window shows of one peer; losses and gains in nats a code. */
export type WindowScore = {
  readonly hotkey: Hotkey;
  /** Cosine with the validator's own descent direction, in [−1, 1]; null when unmeasured. */
  readonly agreement: number | null;
  /** On clips of its pages; null where it has none. */
  readonly own: Gain | null;
  /** On clips that nobody could train on. */
  readonly holdout: Gain | null;
  /** Own above holdout, as the other peers' update leads to expect: the proof of the assigned work. */
  readonly gap: Gain | null;
  readonly verdict: Verdict;
  readonly reason: string;
};

/** Losses of one peer's clips; `own` of its pages, where it was assigned any. */
export type PeerLosses = { readonly hotkey: Hotkey; readonly agreement: number; readonly own: ClipLosses | null; readonly holdout: ClipLosses };

/** Standard errors that one window has to show. */
const SURE = 2;
/** Losses come from float32: smaller errors are none, and what is a reference itself would be divided by nothing. */
const LEAST_ERROR = 1e-5;

/**
 * What a window shows of a peer (Boltzmann, protocol §3.17): whether its update, at the length of all, makes holdout music
 * better, and its own pages by more than that.
 *
 * The gap in standard errors is what separates work from laziness. The agreement does not: all peers' updates go the same
 * way, whatever they were made from. One window finds 33 of 35 honest ones sound, 3 of 7 of those who do a fifth of the
 * steps and none of 21 who do none; `windowScores` goes by several.
 * @throws {InvalidInput} when a set has fewer than two clips
 */
export function windowScore({ hotkey, agreement, own, holdout }: PeerLosses): WindowScore {
  const measured = { hotkey, agreement: clamped(agreement), own: own && meanGain(own), holdout: meanGain(holdout), gap: own && ownPagesGap(own, holdout) };
  return { ...measured, ...measuredVerdict(measured) };
}

/** Of a peer whose update nobody can read. */
export const unmeasured = (hotkey: Hotkey, reason: string): WindowScore => ({ hotkey, agreement: null, own: null, holdout: null, gap: null, verdict: 'unmeasured', reason });

/** A gain in standard errors. */
export const errorsOf = ({ gain, standardError }: Gain): number => gain / Math.max(standardError, LEAST_ERROR);

/** What the gains of a window say; what could not be measured says why itself. */
export function verdictOf({ holdout, gap, ...said }: Pick<WindowScore, 'holdout' | 'gap' | 'verdict' | 'reason'>): Pick<WindowScore, 'verdict' | 'reason'> {
  if (holdout === null) return { verdict: 'unmeasured', reason: said.reason };
  return measuredVerdict({ holdout, gap });
}

function measuredVerdict({ holdout, gap }: { readonly holdout: Gain; readonly gap: Gain | null }): Pick<WindowScore, 'verdict' | 'reason'> {
  if (errorsOf(holdout) < -SURE) return { verdict: 'harmful', reason: `makes holdout music worse by ${shown({ ...holdout, gain: -holdout.gain })}` };
  if (gap === null) {
    const private_ = 'has no pages to prove work by, so only holdout music counts';
    return errorsOf(holdout) > SURE ? { verdict: 'sound', reason: `${private_}: better by ${shown(holdout)}` } : { verdict: 'lazy', reason: `${private_}: ${shown(holdout)} better` };
  }
  if (errorsOf(gap) > SURE) return { verdict: 'sound', reason: `gains ${shown(gap)} more on its own pages than it would without having trained on them` };
  return { verdict: 'lazy', reason: `gains ${shown(gap)} more on its own pages than without having trained on them: no sign of that work` };
}

const shown = ({ gain, standardError }: Gain): string => `${gain.toFixed(4)} nats a code (± ${standardError.toFixed(4)})`;
const clamped = (cosine: number): number => (Number.isFinite(cosine) ? Math.min(1, Math.max(-1, cosine)) : 0);
