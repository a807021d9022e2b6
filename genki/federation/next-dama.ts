import { forgetting, type Forgetting } from '../evaluation/guard.ts';
import { checkHoldOut, pairedGain, type Estimate, type HoldOut, type Losses } from '../evaluation/held-out.ts';

export type PublishThresholds = {
  /** Standard errors that the gain must exceed. */
  readonly publishZ: number;
  /** Nats per code that a guarded style may lose. */
  readonly guardNats: number;
};

export type NextDama = {
  /** Whether to stand for the merged Dama rather than for the current one. */
  readonly publish: boolean;
  /** By how much its loss is lower on the learned styles, nats per code. */
  readonly gain: Estimate;
  readonly forgot?: Forgetting;
  /** In words for a person. */
  readonly reason: string;
};

/**
 * Which Dama a validator stands for (protocol §7.28): the merged one if its gain exceeds its standard error by a
 * factor, two as a rule, and no guarded style loses more than is allowed, else the current one.
 *
 * @param current losses of the current Dama on part C, which neither acceptance nor pay has seen
 * @param merged losses of the merged one on the same clips
 */
export function decideNextDama(current: Losses, merged: Losses, holdOut: HoldOut, { publishZ, guardNats }: PublishThresholds): NextDama {
  checkHoldOut(holdOut);
  const gain = pairedGain(current, merged, holdOut);
  const forgot = forgetting(current, merged, holdOut);
  const certain = gain.mean > publishZ * gain.standardError;
  const forgets = forgot !== undefined && forgot.loss > guardNats;
  const measured = `${gain.mean.toFixed(3)} ± ${gain.standardError.toFixed(3)} nats a code`;
  const reason = forgets
    ? `the merged Dama forgets ${forgot.style}: its loss rises by ${forgot.loss.toFixed(3)}, ${guardNats} is allowed`
    : certain
      ? `the merged Dama is better by ${measured}`
      : `the merged Dama is not better for certain: ${measured}`;
  return { publish: certain && !forgets, gain, reason, ...(forgot && { forgot }) };
}
