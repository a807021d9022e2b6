import { describe, expect, it } from 'vitest';
import { combination } from '../../../../genki/federation/aggregation/combination.ts';
import { distancesFrom, innerProducts, squaredDistances } from '../../../../genki/federation/aggregation/inner-products.ts';
import { mixingWeights, ofUpdates, productsOf } from '../../../../genki/federation/aggregation/mixing.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { randomUpdates } from './updates.ts';

const inner = (x: ArrayLike<number>, y: ArrayLike<number>): number => Array.from(x).reduce((sum, value, i) => sum + value * y[i]!, 0);
const weighted = (updates: readonly Float32Array[], weights: Float64Array): number[] => Array.from(updates[0]!, (_, k) => updates.reduce((sum, update, i) => sum + weights[i]! * update[k]!, 0));

describe('innerProducts', () => {
  it.each([[1, 5], [2, 511], [4, 512], [7, 513], [11, 1500]])('of %i updates of %i values are what one by one they are', (n, length) => {
    const updates = randomUpdates(n, length, `${n}`);
    const products = innerProducts(updates);
    updates.forEach((x, i) => updates.forEach((y, j) => expect(products[i]![j]).toBeCloseTo(inner(x, y), 9)));
  });

  it('of two updates are the same bits wherever the two are in the list', () => {
    const updates = randomUpdates(9, 1030, 'places');
    const products = innerProducts(updates);
    const order = new Random('places').shuffle([...updates.keys()]);
    const moved = innerProducts(order.map((i) => updates[i]!));
    order.forEach((i, a) => order.forEach((j, b) => expect(moved[a]![b]).toBe(products[i]![j])));
  });
});

describe('squaredDistances', () => {
  it('are those of a triangle of 3, 4 and 5, and 0 for equal updates', () => {
    expect(squaredDistances(innerProducts([Float32Array.of(0, 0), Float32Array.of(3, 0), Float32Array.of(0, 4), Float32Array.of(3, 0)])).map((row) => [...row])).toEqual([
      [0, 9, 16, 9],
      [9, 0, 25, 0],
      [16, 25, 0, 25],
      [9, 0, 25, 0],
    ]);
  });
});

describe('distancesFrom', () => {
  it('a combination are those of its values', () => {
    const random = new Random('distances');
    for (let n = 1; n <= 12; n++) {
      const updates = randomUpdates(n, 40, `${n}`);
      const weights = Float64Array.from({ length: n }, () => random.normal());
      const v = weighted(updates, weights);
      distancesFrom(weights, innerProducts(updates)).forEach((distance, i) => expect(distance).toBeCloseTo(Math.hypot(...v.map((value, k) => value - updates[i]![k]!)), 9));
    }
  });
});

describe('combination', () => {
  it.each([1, 3, 4, 6, 9])('of %i updates is their sum in float64, rounded once', (n) => {
    const updates = randomUpdates(n, 1025, `${n}`);
    const weights = Float64Array.from({ length: n }, (_, i) => (i === 1 ? 0 : i - 2.5));
    expect(combination(updates, weights).join()).toBe(Float32Array.from(weighted(updates, weights)).join());
  });
});

describe('mixing', () => {
  it('puts the mean of its two nearest in the place of each of three numbers', () => {
    const weights = mixingWeights(innerProducts([0, 1, 10].map((x) => Float32Array.of(x))), 1);
    expect(weights.map((row) => [...row])).toEqual([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0.5, 0.5]]);
  });

  it('takes of equally near ones the first', () => {
    const weights = mixingWeights(innerProducts([-1, 0, 1].map((x) => Float32Array.of(x))), 1);
    expect([...weights[1]!]).toEqual([0.5, 0.5, 0]);
  });

  it('knows the inner products of what it mixes, and what a combination of that has of each update', () => {
    const updates = randomUpdates(8, 30, 'mixing');
    const products = innerProducts(updates);
    const mixed = mixingWeights(products, 3);
    const values = mixed.map((weights) => weighted(updates, weights));
    productsOf(mixed, products).forEach((row, i) => row.forEach((product, j) => expect(product).toBeCloseTo(inner(values[i]!, values[j]!), 9)));
    const weights = Float64Array.from({ length: 8 }, (_, i) => i - 3);
    weighted(updates, ofUpdates(weights, mixed)).forEach((value, k) => expect(value).toBeCloseTo(values.reduce((sum, row, i) => sum + weights[i]! * row[k]!, 0), 9));
  });
});
