import { inverseOf } from './cholesky.ts';

/** An order in which n players join, walked in both directions. */
export type Walk = {
  readonly order: readonly number[];
  /** Half of v(S) − v(everyone but S) for the first 0 … n of the order, shape [n + 1]: all of v that Shapley values depend on. */
  readonly odd: readonly number[];
};

/** Prior variance of each player's own effect: so large that it takes whatever it explains. It is no part of g, whose marginals it would change as it changes ψ. */
const OWN = 100;
/** That of an effect of k players together is (this / n)^k. With twice as much errors change by some percent. */
const INTERACTION = 1;
/** That of what a smooth game does not explain. */
const NOISE = 0.003;
/** A fit takes time with the cube of its points: a tenth of a second for these. */
const MOST_POINTS = 512;

/**
 * Estimates of the Shapley values from each walk on its own, shape [walks, n]. A walk's mean of its two marginals is
 * corrected by a smooth game g that is fitted to the other walks and whose Shapley value ψ is known in closed form (a
 * control variate):
 *
 *     φ_i = ψ_i(g) + marginal_i(v) − marginal_i(g)
 *
 * Since g has not seen the walk, the estimate is as unbiased as the marginals are; the better g fits, the less it varies.
 * Each adds up to v(everyone) − v(nobody), and is linear in v.
 */
export function estimatesOf(walks: readonly Walk[]): number[][] {
  const first = walks[0];
  if (first === undefined) return [];
  const n = first.order.length;
  const seen = walks.slice(0, Math.floor((MOST_POINTS - 1) / Math.max(1, n - 1)));
  const fit = new Surrogate(n, seen);
  return walks.map((walk, at) => fit.estimate(walk, at < seen.length ? at : undefined));
}

/**
 * The posterior mean of a Gaussian process over games, whose prior is independent effects of 1, 3, 5 … players together,
 * less varied the more there are. Effects of 2, 4 … players cancel in a walk of both directions.
 */
class Surrogate {
  readonly #n: number;
  readonly #kernel: Kernel;
  /** Membership of each point, shape [points, n], and its size; the first point is everyone, then come those of each walk. */
  readonly #members: Uint8Array[];
  readonly #sizes: number[];
  readonly #inverse: Float64Array;
  readonly #weights: Float64Array;

  constructor(n: number, walks: readonly Walk[]) {
    this.#n = n;
    this.#kernel = kernelOf(n);
    this.#members = [new Uint8Array(n).fill(1), ...walks.flatMap(({ order }) => prefixes(order))];
    this.#sizes = this.#members.map((members) => members.reduce((size, member) => size + member, 0));
    const targets = [walks[0]!.odd[n]!, ...walks.flatMap(({ odd }) => odd.slice(1, n))];
    const m = targets.length;
    const gram = new Float64Array(m * m);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j <= i; j++) {
        const agreeing = agreement(this.#members[i]!, this.#members[j]!);
        gram[i * m + j] = OWN * (2 * agreeing - n) + this.#kernel.byAgreement[agreeing]!;
      }
      gram[i * m + i]! += NOISE;
    }
    this.#inverse = inverseOf(gram, m);
    this.#weights = product(this.#inverse, targets);
  }

  /** @param at which of the fitted walks this is; undefined: none */
  estimate({ order, odd }: Walk, at: number | undefined): number[] {
    const weights = at === undefined ? this.#weights : this.#without(at);
    const predicted = this.#along(order, weights);
    const phi = this.#shapley(weights);
    order.forEach((player, j) => (phi[player]! += odd[j + 1]! - odd[j]! - (predicted[j + 1]! - predicted[j]!)));
    return phi;
  }

  /** Weights of the fit to all points but a walk's: α − K⁻¹[:, I] (K⁻¹[I, I])⁻¹ α[I]. */
  #without(at: number): Float64Array {
    const m = this.#weights.length;
    const width = this.#n - 1;
    const from = 1 + at * width;
    const block = new Float64Array(width * width);
    for (let i = 0; i < width; i++) block.set(this.#inverse.subarray((from + i) * m + from, (from + i) * m + from + width), i * width);
    const errors = product(inverseOf(block, width), this.#weights.subarray(from, from + width));
    const weights = this.#weights.slice();
    errors.forEach((error, i) => weights.forEach((_, k) => (weights[k]! -= this.#inverse[(from + i) * m + k]! * error)));
    return weights.fill(0, from, from + width);
  }

  /** g after 0 … n players of an order, shape [n + 1]. */
  #along(order: readonly number[], weights: Float64Array): Float64Array {
    const values = new Float64Array(order.length + 1);
    this.#members.forEach((members, k) => {
      let agreeing = order.length - this.#sizes[k]!;
      values[0]! += weights[k]! * this.#kernel.byAgreement[agreeing]!;
      order.forEach((player, j) => {
        agreeing += members[player] === 1 ? 1 : -1;
        values[j + 1]! += weights[k]! * this.#kernel.byAgreement[agreeing]!;
      });
    });
    return values;
  }

  #shapley(weights: Float64Array): number[] {
    const phi = Array.from({ length: this.#n }, () => 0);
    this.#members.forEach((members, k) => {
      const { inside, outside } = this.#kernel.shares[this.#sizes[k]!]!;
      for (let i = 0; i < phi.length; i++) phi[i]! += weights[k]! * (members[i] === 1 ? inside : outside);
    });
    return phi;
  }
}

export type Kernel = {
  /** k(S, T) by how many players are in both or in neither, shape [n + 1]. */
  readonly byAgreement: readonly number[];
  /** Shapley value in the game k(·, T) of a player in T, and of one not in T, by the size of T, shape [n + 1]. */
  readonly shares: readonly { readonly inside: number; readonly outside: number }[];
};

/**
 * With x, y = ±1 for who is in S and T, k is the odd part of Π (1 + ρ x_i y_i). On the diagonal of its multilinear
 * extension, where everybody is in by half (1 + z), a player's marginal is the even part of 2 y_i ρ (1 + ρz)^a (1 − ρz)^b
 * for a others in T and b not; its mean over z from 0 to 1 is the Shapley value (Owen 1972).
 */
export function kernelOf(n: number): Kernel {
  const rho = INTERACTION / n;
  const byAgreement = Array.from({ length: n + 1 }, (_, h) => (power(1 + rho, h) * power(1 - rho, n - h) - power(1 - rho, h) * power(1 + rho, n - h)) / 2);
  const share = (a: number, b: number): number => 2 * rho * evenMean(polynomial(rho, a, b));
  return { byAgreement, shares: byAgreement.map((_, size) => ({ inside: size > 0 ? share(size - 1, n - size) : 0, outside: size < n ? -share(size, n - 1 - size) : 0 })) };
}

/** Coefficients of (1 + ρz)^a (1 − ρz)^b, the constant first. */
function polynomial(rho: number, a: number, b: number): number[] {
  let coefficients = [1];
  for (let i = 0; i < a + b; i++) {
    const slope = i < a ? rho : -rho;
    coefficients = [...coefficients, 0].map((c, at) => c + slope * (coefficients[at - 1] ?? 0));
  }
  return coefficients;
}

const evenMean = (coefficients: readonly number[]): number => coefficients.reduce((mean, c, degree) => (degree % 2 === 0 ? mean + c / (degree + 1) : mean), 0);

/** By products, since `Math.pow` may differ in the last bit from machine to machine. */
const power = (base: number, exponent: number): number => (exponent === 0 ? 1 : base * power(base, exponent - 1));

const agreement = (one: Uint8Array, other: Uint8Array): number => one.reduce((count, member, i) => (member === other[i] ? count + 1 : count), 0);

const product = (matrix: Float64Array, vector: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: vector.length }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < vector.length; j++) sum += matrix[i * vector.length + j]! * vector[j]!;
    return sum;
  });

/** Memberships of the first 1 … n − 1 players of an order. */
const prefixes = (order: readonly number[]): Uint8Array[] =>
  order.slice(1).map((_, j) => {
    const members = new Uint8Array(order.length);
    for (const player of order.slice(0, j + 1)) members[player] = 1;
    return members;
  });
