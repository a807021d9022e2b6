import { shares, type Measurement } from './policy.ts';
import { softmax } from './softmax.ts';

/**
 * What an ancestor's own formula pays, for a table of attacks: no filter before it, `accepted` is not looked at, and only
 * the clamps that it had itself. No competition can name one. What an ancestor wrote onto the chain is brought to shares
 * of 1; a negative weight has no encoding there and counts as 0.
 * @param measurements in commit order
 */
export type BarePolicy = (measurements: readonly Measurement[]) => number[];

const GENKI_TEMPERATURE = 0.01;
const WIN_RATE_TEMPERATURE = 0.08;
const EPSILON = 0.01;
const LEAST_ALIKE = 0.95;

/**
 * Late Genki-Dama: softmax((s' + q') / 2 / .01) with both from the smallest to the largest of all.
 *
 * `cosine` is q as it is, also below 0; `distance` is s over everybody, best of all from `bareDiversity`. Either missing,
 * not finite or equal in all, or one miner alone: the step raised or its weights were NaN, and nobody is paid.
 * Known defect: no floor on q, so noise is paid for being different: q (.30 .28 .02) and s (32 31 59) pay it .143.
 */
export const bareGenki: BarePolicy = (measurements) => {
  const quality = bareSpread(measurements.map(({ cosine = NaN }) => cosine));
  const diversity = bareSpread(measurements.map(({ distance = NaN }) => distance));
  const scores = quality.map((q, i) => (diversity[i]! + q) / 2);
  return scores.every(Number.isFinite) ? softmax(scores, GENKI_TEMPERATURE) : scores.map(() => 0);
};

function bareSpread(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => (value - least) / (most - least));
}

/**
 * Mean distance to the others as late Genki-Dama took it from its matrix.
 * Known defect: every 0 is dropped, not only the diagonal, so an exact copy costs nobody anything.
 * @param distances symmetric, shape [n, n], 0 on the diagonal
 * @returns shape [n]; NaN for who has only zeros
 */
export function bareDiversity(distances: readonly (readonly number[])[]): number[] {
  return distances.map((row) => {
    const others = row.filter((distance) => distance !== 0);
    return others.reduce((sum, distance) => sum + distance, 0) / others.length;
  });
}

/**
 * Early Genki-Dama: (.95 − similarity) · Δloss, as the announcement had it. An unknown similarity counts as 0; a product
 * that is not a number as 0.
 * Known defect: two negative factors make a positive one, so a copy that does harm is paid, and for more harm more.
 */
export const bareDeltaLoss: BarePolicy = (measurements) => shares(measurements.map(({ similarity = 0, deltaLoss = NaN }) => (LEAST_ALIKE - similarity) * deltaLoss));

/**
 * Nous finetuning-subnet: softmax(win rate / .08), where every earlier commit's loss counts .99 times.
 *
 * Matches are the batches that both have. Comparisons with NaN are false; who has no match has a win rate of 0 and is
 * paid by the softmax all the same.
 * Known defects: losses 1.000, .991, .989 in commit order beat one another in a circle and earn 1/3 each; five whose loss
 * is NaN win nothing and deny the best its wins: its share falls from 1 to .572, and each of them has .071; one that loads
 * and two that do not earn 1/3 each.
 */
export const bareWinRate: BarePolicy = (measurements) => softmax(measurements.map((_, i) => bareRate(measurements, i)), WIN_RATE_TEMPERATURE);

function bareRate(measurements: readonly Measurement[], i: number): number {
  const own = measurements[i]!.losses ?? [];
  let [wins, matches] = [0, 0];
  measurements.forEach(({ losses = [] }, j) => {
    if (j === i) return;
    const played = own.slice(0, losses.length);
    matches += played.length;
    wins += played.filter((loss, k) => (i < j ? loss * (1 - EPSILON) < losses[k]! : loss < losses[k]! * (1 - EPSILON))).length;
  });
  return matches === 0 ? 0 : wins / matches;
}

/**
 * Boltzmann: S / (Σ S + 1e-8); an S that is not a number counts as 0.
 * Known defect: a negative sum turns the signs over: S (.5 −.6) gives (−5 6), so the worse is paid all; near a sum of 0
 * the shares explode.
 */
export const bareGradientAgreement: BarePolicy = (measurements) => {
  const scores = measurements.map(({ agreement = NaN }) => (Number.isNaN(agreement) ? 0 : agreement));
  const sum = scores.reduce((total, score) => total + score, 0);
  return shares(scores.map((score) => score / (sum + 1e-8)));
};

/** By the name of the policy that stands in an ancestor's place. */
export const barePolicies: ReadonlyMap<string, BarePolicy> = new Map([
  ['genki', bareGenki],
  ['delta-loss', bareDeltaLoss],
  ['win-rate', bareWinRate],
  ['gradient-agreement', bareGradientAgreement],
]);
