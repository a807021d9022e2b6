import { deviationOf, meanOf } from './spread.ts';
import { each, type WindowAttack } from './window-attack.ts';

/**
 * In every coordinate z standard deviations below the honest mean, z being the largest with which as many honest values lie
 * beyond as the faulty ones need for a majority (Baruch, Baruch and Goldberg 2019, algorithm 3). Nothing about it is far off.
 */
export const aLittleIsEnough: WindowAttack = (honest, faulty) => {
  const deviation = deviationOf(honest);
  const z = mostDeviation(honest.length + faulty, faulty);
  return each(faulty, Float32Array.from(meanOf(honest), (value, i) => value - z * deviation[i]!));
};

/** z of n peers. At least 0, and as for one supporter where the faulty ones are a majority by themselves. */
export function mostDeviation(n: number, faulty: number): number {
  const supporters = Math.max(1, Math.floor(n / 2 + 1) - faulty);
  return normalQuantile(Math.max(0.5, (n - faulty - supporters) / (n - faulty)));
}

/** Of the standard normal distribution, to .0005, for p from a half (Abramowitz and Stegun 1964, 26.2.23). */
function normalQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(1 - p));
  return t - (2.515517 + 0.802853 * t + 0.010328 * t ** 2) / (1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3);
}
