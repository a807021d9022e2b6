import { pairedGain, type Estimate, type HoldOut } from './held-out.ts';
import type { Trial } from './scale-search.ts';
import { correctedThreshold } from './z-score.ts';

/** What a competition asks of a submission. */
export type AcceptThresholds = {
  /** Standard errors that it must add, before the correction for the number of candidates. */
  readonly acceptZ: number;
  /** Part of the whole gain that it must add. */
  readonly minimumShare: number;
  /** Part of the whole gain that a specialist must bring to its style. */
  readonly styleShare: number;
  /** Nats per code that a guarded style may lose. */
  readonly guardNats: number;
};

/**
 * Engines agree on a loss to 1e-4 nats a code. A part of what can be learned divides the difference of two losses by
 * a tenth of a nat at least, so at one scale a margin differs by less than this from engine to engine, and only a verdict within it may be another. Where
 * two scales are as good as each other, engines may also choose different ones.
 */
export const UNDECIDED = 0.005;

/** What one candidate adds, and whether that is enough. */
export type Verdict = {
  readonly index: number;
  readonly accepted: boolean;
  /**
   * By how much it is above what decides, negative where it is below: a part of what can be learned, or of the guard's
   * nats a code where those are nearer; null when it was not tried or has no finite loss.
   */
  readonly margin: number | null;
  /** What it adds on top of the other accepted ones: a part of what can be learned, mean over the styles; null when it was not tried or has no finite loss. */
  readonly marginal: Estimate | null;
  /** In words for a person. */
  readonly reason: string;
};

/** `special`: what it adds to the style that it adds most to. */
export type Judged = { readonly trial: Trial; readonly verdict: Verdict; readonly special: Estimate };
/** The merge with it, and without it at the same scale and at the best one; that is only measured where it may matter. */
export type Judge = (index: number, within: Trial, without: { readonly same: Trial; readonly best?: Trial }) => Judged;

type Rule = { readonly holdOut: HoldOut; readonly units: Readonly<Record<string, number>>; readonly candidates: number; readonly thresholds: AcceptThresholds };

/**
 * Whether a candidate adds enough to a set, in one of two ways.
 *
 * 1. With it the best merge is better than the best without it, by more than chance (corrected for the number of
 *    candidates) and by a least share of the whole gain.
 * 2. It teaches one style: at the set's scale that style gains by far more than chance, and the whole does not lose. More
 *    members together want a smaller scale, which takes a little from the other styles; without this, five who teach
 *    five styles would each seem to add next to nothing.
 *
 * Losses count relative to what each style leaves to learn: in nats, who teaches a quiet style would fall below any share.
 *
 * @param units style -> nats per code that are left to learn
 * @param candidates how many are tested in this round
 */
export function judgeBy({ holdOut, units, candidates, thresholds }: Rule): Judge {
  const styles = Object.keys(holdOut.floors);
  const zWhole = correctedThreshold(thresholds.acceptZ, Math.max(1, candidates));
  const zStyle = correctedThreshold(thresholds.acceptZ, Math.max(1, candidates) * styles.length);
  return (index, within, without) => {
    const gainOn = (floors: HoldOut['floors'], from: Trial): Estimate => pairedGain(from.losses, within.losses, { ...holdOut, floors }, units);
    const whole = gainOn(holdOut.floors, without.same);
    const special = styles.map((style) => ({ style, ...gainOn({ [style]: 0 }, without.same) })).reduce((a, b) => (b.mean > a.mean ? b : a));
    const beyond = ({ mean, standardError }: Estimate, z: number, share: number): number => mean - Math.max(z * standardError, share * within.gain);
    const notWorse = whole.mean + zWhole * whole.standardError;
    const teachesOne = Math.min(notWorse, beyond(special, zStyle, thresholds.styleShare));
    const addsToAll = without.best === undefined ? -Infinity : beyond(gainOn(holdOut.floors, without.best), zWhole, thresholds.minimumShare);
    const enough = Math.max(teachesOne, addsToAll);
    const accepted = within.excess <= 0 && enough > 0;
    const finite = Number.isFinite(whole.mean);
    const margin = within.forgot ? Math.min(enough, -within.excess) : enough;
    return { trial: within, special, verdict: { index, accepted, margin: finite ? margin : null, marginal: finite ? whole : null, reason: reason() } };

    function reason(): string {
      if (!finite) return 'breaks the model: its loss is not a number';
      if (within.excess > 0) return `makes the Dama forget ${within.forgot!.style}: its loss rises by ${within.forgot!.loss.toFixed(3)} nats a code`;
      const alone = without.same.members.length === 0;
      const onTop = alone ? '' : ' on top of the accepted';
      const amount = `${percent(whole)} of what can be learned`;
      const most = `most of ${special.style}: ${percent(special)}`;
      if (accepted) return `adds ${amount}${onTop}, ${most}`;
      if (notWorse < 0) return `makes ${alone ? 'the Dama' : 'the accepted'} worse: ${amount}`;
      if (whole.mean <= zWhole * whole.standardError) return `adds nothing${onTop}: ${amount}`;
      return `adds too little${onTop}: ${amount}, ${most}`;
    }
  };
}

const percent = ({ mean, standardError }: Estimate): string => `${mean < 0 ? '−' : '+'}${(100 * Math.abs(mean)).toFixed(1)} ± ${(100 * standardError).toFixed(1)} %`;
