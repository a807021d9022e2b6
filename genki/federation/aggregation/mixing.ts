import { dot, type Pairs, squaredDistances } from './inner-products.ts';

/** Combinations of updates: how much each has of every update. */
export type Weights = readonly Float64Array[];

/**
 * Nearest-neighbour mixing (Allouah et al. 2023, algorithm 2): in the place of each update the mean of the n − f nearest to
 * it, itself among them; of equally near ones the first in the list.
 */
export function mixingWeights(products: Pairs, faulty: number): Weights {
  const neighbours = products.length - faulty;
  return squaredDistances(products).map((row) => {
    const nearest = [...row.keys()].sort((i, j) => row[i]! - row[j]! || i - j).slice(0, neighbours);
    const weights = new Float64Array(row.length);
    for (const i of nearest) weights[i] = 1 / neighbours;
    return weights;
  });
}

/** ⟨yᵢ, yⱼ⟩ of the combinations y: W G Wᵀ. */
export function productsOf(combinations: Weights, products: Pairs): Pairs {
  // [n] · [n, n] -> [n], the products being symmetric
  const across = combinations.map((weights) => Float64Array.from(products, (row) => dot(weights, row)));
  const mixed = combinations.map(() => new Float64Array(combinations.length));
  combinations.forEach((weights, i) => {
    for (let j = 0; j <= i; j++) mixed[i]![j] = mixed[j]![i] = dot(weights, across[j]!);
  });
  return mixed;
}

/** What a combination of combinations has of every update. */
export function ofUpdates(weights: Float64Array, combinations: Weights): Float64Array {
  const result = new Float64Array(combinations[0]!.length);
  combinations.forEach((parts, i) => {
    for (let j = 0; j < result.length; j++) result[j]! += weights[i]! * parts[j]!;
  });
  return result;
}
