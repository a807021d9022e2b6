import { combination } from './combination.ts';
import { combinationsAsRows, type Rows, updatesAsRows } from './coordinates.ts';
import { innerProducts, type Pairs } from './inner-products.ts';
import { mixingWeights, ofUpdates, productsOf } from './mixing.ts';

/** The updates as a rule sees them: as they are, or mixed. None is copied as a whole. */
export type Peers = {
  readonly count: number;
  /** Inner products of all pairs; computed anew by each call. */
  readonly products: () => Pairs;
  /** Σ weights · updates. */
  readonly combined: (weights: Float64Array) => Float32Array;
  /** The values of some of them, to be put in order. */
  readonly rows: (chosen: readonly number[]) => Rows;
};

export const asTheyAre = (updates: readonly Float32Array[]): Peers => ({
  count: updates.length,
  products: () => innerProducts(updates),
  combined: (weights) => combination(updates, weights),
  rows: (chosen) => updatesAsRows(chosen.map((i) => updates[i]!)),
});

/** Each in the place of which stands the mean of its nearest neighbours but `faulty`. */
export function mixed(updates: readonly Float32Array[], faulty: number): Peers {
  const products = innerProducts(updates);
  const combinations = mixingWeights(products, faulty);
  return {
    count: updates.length,
    products: () => productsOf(combinations, products),
    combined: (weights) => combination(updates, ofUpdates(weights, combinations)),
    rows: (chosen) => combinationsAsRows(updates, chosen.map((i) => combinations[i]!)),
  };
}
