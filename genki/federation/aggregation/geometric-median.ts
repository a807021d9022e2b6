import { distancesFrom, type Pairs } from './inner-products.ts';

/** Distances count as at least so much of the median norm, which keeps a step at an update finite; float64 tells no smaller ones apart. */
const SMOOTHING = 1e-7;
/** No weight moves by more than this any more: the end. */
const STILL = 1e-13;
const MOST_STEPS = 10_000;

/**
 * The geometric median, the point with the smallest sum of distances to all updates, by smoothed Weiszfeld steps from the mean
 * (Pillutla, Kakade and Harchaoui 2022, algorithm 2):
 *
 *     v ← Σ βᵢ xᵢ / Σ βᵢ,   βᵢ = 1 / max(ν, ‖xᵢ − v‖)
 *
 * v always is a combination of the updates, so its distances follow from their inner products alone.
 *
 * @returns how much it takes of each update
 */
export function geometricMedian(products: Pairs): Float64Array {
  const n = products.length;
  const smallest = Math.max(SMOOTHING * medianNorm(products), 1e-100);
  let weights = new Float64Array(n).fill(1 / n);
  for (let step = 0; step < MOST_STEPS; step++) {
    const closeness = distancesFrom(weights, products).map((distance) => 1 / Math.max(smallest, distance));
    const total = closeness.reduce((sum, value) => sum + value, 0);
    const next = closeness.map((value) => value / total);
    const moved = next.reduce((most, weight, i) => Math.max(most, Math.abs(weight - weights[i]!)), 0);
    weights = next;
    if (moved <= STILL) break;
  }
  return weights;
}

/** Not the mean one: a single huge update would decide it. */
const medianNorm = (products: Pairs): number => Math.sqrt(Float64Array.from(products, (row, i) => row[i]!).sort()[(products.length - 1) >> 1]!);
