import type { Hotkey } from '../chain/chain.ts';
import { Random } from './random.ts';

/** Who wants a place in a window, and what share of the last epoch's pay the chain says that it has earned. */
export type Applicant = { readonly hotkey: Hotkey; readonly incentive: number };

/** The part of the places that is drawn among all others, so that whoever is new can begin to earn. */
const OPEN_SHARE = 1 / 4;

/**
 * Who takes part in a window where more want to than there is room for: three quarters of the places go to those who have
 * earned the most, the others are drawn among all who are left. So hotkeys that somebody registers by the dozen, and that
 * have earned nothing, leave no more than a quarter of the places without honest work where there are miners to fill them.
 *
 * Each hotkey's lot, the first word of `Random('peers/' + seed + '/' + hotkey)`, is its own: validators that received a
 * different one or two draw the same others. The smallest lots win, also among those who have earned the same.
 *
 * @param most how many places there are
 */
export function drawPlaces(applicants: readonly Applicant[], most: number, seed: string): ReadonlySet<Hotkey> {
  const lots = applicants.map((one) => ({ ...one, lot: new Random(`peers/${seed}/${one.hotkey}`).next() })).sort((a, b) => a.lot - b.lot);
  const earners = lots.filter(({ incentive }) => incentive > 0).sort((a, b) => b.incentive - a.incentive || a.lot - b.lot);
  const first = earners.slice(0, most - Math.ceil(most * OPEN_SHARE));
  const others = lots.filter((one) => !first.includes(one)).slice(0, most - first.length);
  return new Set([...first, ...others].map(({ hotkey }) => hotkey));
}
