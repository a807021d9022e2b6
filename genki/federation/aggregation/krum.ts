import { krumFaulty } from './breakdown.ts';
import { type Pairs, squaredDistances } from './inner-products.ts';

/**
 * Krum (Blanchard et al. 2017, section 4): the one update with the smallest sum of squared distances to its n − f − 2
 * nearest; of equal ones the first. Of fewer than three updates, which nobody can tell apart, the mean.
 *
 * @returns how much the aggregate takes of each update
 */
export function krum(products: Pairs, share: number): Float64Array {
  const n = products.length;
  return n < 3 ? meanOf(n, [...products.keys()]) : meanOf(n, ranked(new KrumScores(products), new Set(products.keys()), krumFaulty(share, n)).slice(0, 1));
}

/** Multi-Krum (Blanchard et al. 2017, section 5): the mean of the n − f updates with the smallest such sums. */
export function multiKrum(products: Pairs, share: number): Float64Array {
  const [n, faulty] = [products.length, krumFaulty(share, products.length)];
  return meanOf(n, ranked(new KrumScores(products), new Set(products.keys()), faulty).slice(0, n - faulty));
}

/** The updates that Bulyan goes on with: n − 2f times the choice of Krum among those that are left. In the order of the list. */
export function bulyanSelection(products: Pairs, faulty: number): number[] {
  const scores = new KrumScores(products);
  const left = new Set(products.keys());
  const selected = Array.from({ length: products.length - 2 * faulty }, () => {
    const [best] = ranked(scores, left, faulty);
    left.delete(best!);
    return best!;
  });
  return selected.sort((i, j) => i - j);
}

/** The best first; of equals the first of the list. */
function ranked(scores: KrumScores, among: ReadonlySet<number>, faulty: number): number[] {
  // at least two neighbours: by one alone the two that are nearest to each other would always be equal
  const neighbours = Math.max(2, among.size - faulty - 2);
  const scored = [...among].map((i) => ({ i, score: scores.of(i, among, neighbours) }));
  return scored.sort((one, other) => one.score - other.score || one.i - other.i).map(({ i }) => i);
}

class KrumScores {
  readonly #distances: Pairs;
  /** Of each update the others, the nearest first. */
  readonly #others: readonly number[][];

  constructor(products: Pairs) {
    this.#distances = squaredDistances(products);
    this.#others = this.#distances.map((row, i) => [...row.keys()].filter((j) => j !== i).sort((j, k) => row[j]! - row[k]!));
  }

  /** The sum of squared distances to the nearest others among some, the smallest first, so that the order of the list does not show. */
  of(update: number, among: ReadonlySet<number>, neighbours: number): number {
    let [sum, counted] = [0, 0];
    for (const other of this.#others[update]!) {
      if (counted === neighbours) break;
      if (!among.has(other)) continue;
      sum += this.#distances[update]![other]!;
      counted++;
    }
    return sum;
  }
}

const meanOf = (n: number, chosen: readonly number[]): Float64Array => {
  const weights = new Float64Array(n);
  for (const i of chosen) weights[i] = 1 / chosen.length;
  return weights;
};
