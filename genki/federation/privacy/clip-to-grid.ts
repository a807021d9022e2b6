import { normOf } from '../layout.ts';

/**
 * The update, shortened to the norm `clip` where it is longer, in whole steps of a grid: each value cut towards 0, so that
 * the result is never longer than `clip` either.
 * @returns whole numbers of steps
 * @throws {BadSubmission} when a value is not finite
 */
export function clipToGrid(update: Float32Array, clip: number, step: number): Float64Array {
  const factor = Math.min(1, clip / normOf(update)) / step;
  return Float64Array.from(update, (value) => Math.trunc(value * factor));
}
