/** Inner products of updates, one row an update with itself last: `gram[i][j]` for j ≤ i. */
export type Gram = readonly (readonly number[])[];

/** Another update that adds the square of less than this to the square of the correlation is no part of one; the cosines of honest updates of different styles stay below. */
export const LEAST_COSINE = 0.05;

/** Updates that one is explained by at most: of very many unlike ones a large part of any update could be put together. */
export const MOST_PARTS = 16;

/** From here on a part of an update lies within the parts chosen before it: what is left of its square is rounding. */
const COLLINEAR = 1e-9;

export type Part = { readonly index: number; readonly coefficient: number };

/** The closest that a combination of other updates comes to one. */
export type Span = {
  /** Multiple correlation: the largest cosine to any combination of the parts, in [0, 1]. */
  readonly correlation: number;
  /** Of the combination that is closest, in the order in which they were chosen. */
  readonly parts: readonly Part[];
  /** Frobenius norm of what is left of the update without it. */
  readonly residualNorm: number;
};

export const innerProduct = (gram: Gram, i: number, j: number): number => (j <= i ? gram[i]![j]! : gram[j]![i]!);
export const normOf = (gram: Gram, index: number): number => Math.sqrt(Math.max(0, innerProduct(gram, index, index)));

/** Cosine in [−1, 1]; 0 when one of them is nothing. */
export function cosineOf(gram: Gram, i: number, j: number): number {
  const cosine = innerProduct(gram, i, j) / normOf(gram, i) / normOf(gram, j);
  return Number.isFinite(cosine) ? Math.min(1, Math.max(-1, cosine)) : 0;
}

/**
 * How much of an update is a combination of others, from inner products alone: orthogonal least squares (Chen, Billings
 * and Luo 1989), which chooses one part after the other, each the one that explains most of what is left, and projects it
 * out of all.
 *
 * @param among indices of the others, of which at most `MOST_PARTS` are chosen, and only who adds something (`LEAST_COSINE`)
 */
export function spanOf(gram: Gram, index: number, among: readonly number[]): Span {
  const square = innerProduct(gram, index, index);
  const left = among.filter((j) => j !== index).map((j) => leftOf(gram, index, j));
  const chosen: Left[] = [];
  const along: number[] = []; // the update along each chosen direction, which are of length 1 and orthogonal
  while (chosen.length < MOST_PARTS) {
    const next = strongest(left.filter((one) => !chosen.includes(one)));
    if (!next || explains(next) <= LEAST_COSINE ** 2 * square) break;
    along.push(next.product / Math.sqrt(next.square));
    projectOut(gram, left, { next, along: along.at(-1)! });
    chosen.push(next);
  }
  const explained = along.reduce((sum, a) => sum + a * a, 0);
  return {
    correlation: square > 0 ? Math.min(1, Math.sqrt(explained / square)) : 0,
    parts: backSubstituted(chosen, along),
    residualNorm: Math.sqrt(Math.max(0, square - explained)),
  };
}

/** What is left of another update after the chosen ones: its product with the update in question, its square, and its coordinates along them. */
type Left = { readonly index: number; readonly whole: number; product: number; square: number; readonly coordinates: number[] };

function leftOf(gram: Gram, index: number, j: number): Left {
  const whole = innerProduct(gram, j, j);
  return { index: j, whole, product: innerProduct(gram, index, j), square: whole, coordinates: [] };
}

const explains = ({ product, square, whole }: Left): number => (square > COLLINEAR * whole ? product ** 2 / square : 0);

/** The earliest of those that explain most. */
const strongest = (left: readonly Left[]): Left | undefined => left.reduce<Left | undefined>((best, one) => (best === undefined || explains(one) > explains(best) ? one : best), undefined);

function projectOut(gram: Gram, left: readonly Left[], { next, along }: { next: Left; along: number }): void {
  const length = Math.sqrt(next.square);
  const before = [...next.coordinates];
  for (const one of left) {
    const known = before.reduce((sum, coordinate, m) => sum + coordinate * one.coordinates[m]!, 0);
    const coordinate = one === next ? length : (innerProduct(gram, one.index, next.index) - known) / length;
    one.coordinates.push(coordinate);
    one.product -= coordinate * along;
    one.square -= coordinate ** 2;
  }
}

/** Coefficients of the updates themselves: each has coordinates along its own direction and those chosen before it. */
function backSubstituted(chosen: readonly Left[], along: readonly number[]): Part[] {
  const coefficients = along.map(() => 0);
  for (let k = chosen.length - 1; k >= 0; k--) {
    const later = chosen.slice(k + 1).reduce((sum, { coordinates }, i) => sum + coordinates[k]! * coefficients[k + 1 + i]!, 0);
    coefficients[k] = (along[k]! - later) / chosen[k]!.coordinates[k]!;
  }
  return chosen.map(({ index }, k) => ({ index, coefficient: coefficients[k]! }));
}
