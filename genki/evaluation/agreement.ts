import { InvalidInput } from '../errors.ts';
import type { Layout } from '../federation/layout.ts';
import { weightOf, type Delta } from '../federation/merge.ts';
import type { Gradient } from '../music/gradient.ts';

/**
 * How far an update goes the way that the validator would go itself (Boltzmann, protocol §3.17): the cosine of the update
 * with the descent direction −g, over the weights that the update touches.
 *
 * @returns in [−1, 1]; 0 when one of the two is nothing
 * @throws {InvalidInput} when the gradient lacks a weight, or has it in another size
 */
export function gradientAgreement(update: Delta, gradient: Gradient): number {
  return cosineOf([...update].map(([module, delta]) => [weightOf(module), delta]), gradient);
}

/**
 * The same of an update of all weights, [layout.size].
 *
 * @returns in [−1, 1]; 0 when one of the two is nothing
 * @throws {InvalidInput} when the update or the gradient is of another model
 */
export function flatAgreement({ places, size }: Layout, update: Float32Array, gradient: Gradient): number {
  if (update.length !== size) throw new InvalidInput(`Expected an update of ${size} values, got ${update.length}`);
  return cosineOf(places.map(({ name, offset, size: length }) => [name, update.subarray(offset, offset + length)]), gradient);
}

function cosineOf(update: readonly (readonly [string, Float32Array])[], gradient: Gradient): number {
  let product = 0;
  let updated = 0;
  let falling = 0;
  for (const [name, delta] of update) {
    const slope = gradient.get(name);
    if (slope?.length !== delta.length) throw new InvalidInput(`Expected a gradient of ${delta.length} values for ${name}, got ${slope?.length ?? 'none'}`);
    for (let i = 0; i < delta.length; i++) {
      product -= delta[i]! * slope[i]!;
      updated += delta[i]! ** 2;
      falling += slope[i]! ** 2;
    }
  }
  const cosine = product / Math.sqrt(updated) / Math.sqrt(falling);
  return Number.isFinite(cosine) ? Math.min(1, Math.max(-1, cosine)) : 0;
}
