import { apart, deviationOf, meanOf } from './spread.ts';
import { each, type WindowAttack } from './window-attack.ts';

/** Halvings of the step: it is met to a millionth. */
const HALVINGS = 30;

/**
 * As far below the honest mean as no honest update is farther away than honest ones are from each other (Shejwalkar and
 * Houmansadr 2021, equation 4, in the direction of the standard deviations): what rules that look at distances let through.
 */
export const minMax: WindowAttack = (honest, faulty) => {
  const [mean, deviation] = [meanOf(honest), deviationOf(honest)];
  const most = Math.max(...honest.flatMap((x, i) => honest.slice(0, i).map((y) => apart(x, y))), 0);
  const shifted = (step: number): Float32Array => Float32Array.from(mean, (value, i) => value - step * deviation[i]!);
  const passes = (step: number): boolean => honest.every((update) => apart(update, shifted(step)) <= most);
  let [low, high] = [0, 1];
  while (high < 2 ** 20 && passes(high) && most > 0) high *= 2;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (passes(middle)) low = middle;
    else high = middle;
  }
  return each(faulty, shifted(low));
};
