import type { Adapter } from '../music/lora.ts';
import type { Random } from '../protocol/random.ts';
import { changed, rootMeanSquare } from './matrices.ts';

/**
 * A copy hidden under noise: each matrix gets `amount` of its own root mean square. The digest changes and
 * the cosine becomes 1 / (1 + amount²): .99 at a tenth, which the update's cosine finds; from 1 on it lies below the
 * threshold for copies, and what is left of the original has to earn on top of it.
 */
export const noisyCopy = (adapter: Adapter, random: Random, amount = 0.1): Adapter =>
  changed(adapter, ({ a, b }) => ({ a: disturbed(a, random, amount), b: disturbed(b, random, amount) }));

function disturbed(matrix: Float32Array, random: Random, amount: number): Float32Array {
  const size = amount * rootMeanSquare(matrix);
  return matrix.map((value) => value + size * random.normal());
}
