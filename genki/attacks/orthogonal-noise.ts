import { updateInnerProduct } from '../evaluation/similarity.ts';
import { updateNorm, type Adapter } from '../music/lora.ts';
import type { Random } from '../protocol/random.ts';
import { changed, rootMeanSquare } from './matrices.ts';

/**
 * A copy beside noise that has nothing of it: ΔW + N with ⟨N, ΔW⟩ = 0 and ‖N‖ = amount ‖ΔW‖, of the same rank, since N
 * is E A with a random E in the place of B. It keeps all that the original teaches at the least cosine,
 * 1 / √(1 + amount²): .89 at .5, .71 at 1, .45 at 2, .24 at 4. Below the threshold for copies the norm clip shrinks what
 * it took with the noise, and the rest is worth nothing on top of the original.
 */
export function orthogonalNoise(adapter: Adapter, random: Random, amount: number): Adapter {
  const noise = changed(adapter, ({ a, b }) => {
    const size = rootMeanSquare(b);
    return { a, b: b.map(() => size * random.normal()) };
  });
  const along = updateInnerProduct(noise, adapter) / updateNorm(adapter) ** 2;
  const across = changed(noise, ({ a, b }, module) => ({ a, b: plus(b, adapter.layers.get(module)!.b, -along) }));
  const factor = (amount * updateNorm(adapter)) / updateNorm(across);
  return changed(adapter, ({ a, b }, module) => ({ a, b: plus(b, across.layers.get(module)!.b, factor) }));
}

const plus = (one: Float32Array, other: Float32Array, factor: number): Float32Array => one.map((value, i) => value + factor * other[i]!);
