import { blocksOf } from './kernels/block.ts';
import { productTile, TILE } from './kernels/product-tile.ts';

/** A symmetric matrix with a row and a column for each update. */
export type Pairs = readonly Float64Array[];

/** ⟨xᵢ, xⱼ⟩ of all pairs of updates, summed in float64 in an order that does not depend on where in the list the two are. */
export function innerProducts(updates: readonly Float32Array[]): Pairs {
  const n = updates.length;
  const { rows, products } = productTile(n);
  const sums = Array.from({ length: n }, () => new Float64Array(n));
  for (const { from, to } of blocksOf(updates[0]!.length)) {
    rows.forEach((row, i) => {
      row.set(updates[i]!.subarray(from, to));
      row.fill(0, to - from);
    });
    for (let i = 0; i < n; i += TILE) {
      for (let j = 0; j <= i; j += TILE) add(sums, products(i, j), { i, j });
    }
  }
  sums.forEach((row, i) => row.subarray(0, i).forEach((sum, j) => (sums[j]![i] = sum)));
  return sums;
}

function add(sums: Pairs, products: Float64Array, { i, j }: { readonly i: number; readonly j: number }): void {
  for (let r = 0; r < TILE && i + r < sums.length; r++) {
    for (let c = 0; c < TILE && j + c < sums.length; c++) sums[i + r]![j + c]! += products[r * TILE + c]!;
  }
}

/** ‖xᵢ − xⱼ‖² = ⟨xᵢ, xᵢ⟩ + ⟨xⱼ, xⱼ⟩ − 2 ⟨xᵢ, xⱼ⟩, never negative, and 0 for equal updates. */
export const squaredDistances = (products: Pairs): Pairs => products.map((row, i) => row.map((product, j) => Math.max(0, row[i]! + products[j]![j]! - 2 * product)));

/** ‖xᵢ − v‖ of each update, v = Σ weights · x being a combination of them. */
export function distancesFrom(weights: Float64Array, products: Pairs): Float64Array {
  const along = Float64Array.from(products, (row) => dot(row, weights));
  const length = dot(along, weights);
  return along.map((product, i) => Math.sqrt(Math.max(0, products[i]![i]! - 2 * product + length)));
}

export function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}
