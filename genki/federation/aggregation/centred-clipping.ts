import { distancesFrom, type Pairs } from './inner-products.ts';

/**
 * Centred clipping (Karimireddy, He and Jaggi 2021, equation CC), started from 0:
 *
 *     v ← v + 1/n Σ (xᵢ − v) min(1, τ / ‖xᵢ − v‖)
 *
 * Of n updates let f be anything, and the others lie within r of their mean μ. If r <= τ (n − 2f)/(n − f) and ‖μ‖ <= τ − r,
 * then no honest update is ever clipped, so that a step leaves f/n (‖v − μ‖ + τ) at most of the distance to μ, and L steps
 *
 *     ‖v − μ‖ <= τ f/(n − f) + (f/n)ᴸ ‖μ‖.
 *
 * @param radius τ, in the unit of the updates
 * @returns how much it takes of each update; they need not sum to 1
 */
export function centredClipping(products: Pairs, { radius, iterations }: { readonly radius: number; readonly iterations: number }): Float64Array {
  const n = products.length;
  const weights = new Float64Array(n);
  for (let step = 0; step < iterations; step++) {
    const shares = distancesFrom(weights, products).map((distance) => Math.min(1, radius / distance) / n);
    const kept = 1 - shares.reduce((sum, share) => sum + share, 0);
    shares.forEach((share, i) => (weights[i] = kept * weights[i]! + share));
  }
  return weights;
}
