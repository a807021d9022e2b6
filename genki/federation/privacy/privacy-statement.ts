import { epsilonOf, windowsWithin } from './accountant.ts';
import type { PrivacyConfig } from './privacy-config.ts';

/** Above it, e^ε is thousands: a bound in name only. */
const LEAST_MEANINGLESS = 10;

/**
 * What a miner is shown before it uploads a window's update in the private mode, in words.
 * @param privacy.windows how many updates it has uploaded so far
 */
export function privacyStatement({ noise, clip, delta, maxEpsilon, windows }: PrivacyConfig & { readonly windows: number }): string {
  const at = (count: number): number => epsilonOf({ noise, delta, windows: count }).epsilon;
  const [before, after] = [at(windows), at(windows + 1)];
  return [
    `Private mode: this update is clipped to norm ${clip} and every value gets noise of standard deviation ${shown(noise * clip)}.`,
    `Your ${counted(windows)} so far ${windows === 1 ? 'keeps' : 'keep'} to ε = ${shown(before)} at δ = ${delta}; with this one it is ε = ${shown(after)}.`,
    limitOf({ after, maxEpsilon, possible: windowsWithin({ noise, delta, epsilon: maxEpsilon }) }),
    `Protected is whether any of your music was used at all: whoever sees the updates has its odds changed by a factor of at most e^ε = ${shown(Math.exp(after))}, but for a probability of δ.`,
    ...(after > LEAST_MEANINGLESS ? [`An ε above ${LEAST_MEANINGLESS} promises next to nothing.`] : []),
    'Not protected are that you take part and when, whatever else you publish of the same music (losses, adapters, clips), and what copies of it others hold. All of it rests on the noise staying secret and on no upload going uncounted.',
  ].join(' ');
}

const limitOf = ({ after, maxEpsilon, possible }: { after: number; maxEpsilon: number; possible: number }): string =>
  after > maxEpsilon
    ? `That is above your limit of ε = ${maxEpsilon}, which allows ${counted(possible)}: this one will not be uploaded.`
    : `Your limit is ε = ${maxEpsilon}, which allows ${counted(possible)}.`;

const counted = (windows: number): string => `${windows} ${windows === 1 ? 'update' : 'updates'}`;

const shown = (value: number): string => String(Number(value.toPrecision(3)));
