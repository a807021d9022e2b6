import { SingularValueDecomposition } from 'ml-matrix';
import { upToOne } from '../../evaluation/gaussian.ts';
import type { AdapterLayer } from '../../music/lora.ts';
import { type Columns, normOf, thinQr } from './thin-qr.ts';

/** A layer's update in float64, Σ_r left[r] · right[r]ᵀ: vectors of `out` and of `in` values, as many of both. */
export type Factors = { readonly left: Columns; readonly right: Columns };

/** weight · scale · B A of a layer, its scale in the left ones. */
export function factorsOf({ a, b, in: columns, rank, out, scale }: AdapterLayer, weight = 1): Factors {
  const ranks = Array.from({ length: rank }, (_, r) => r);
  return {
    left: ranks.map((r) => Float64Array.from({ length: out }, (_, o) => weight * scale * b[o * rank + r]!)),
    right: ranks.map((r) => Float64Array.from(a.subarray(r * columns, (r + 1) * columns))),
  };
}

/** The sum of two updates. */
export const plus = (x: Factors, y: Factors): Factors => ({ left: [...x.left, ...y.left], right: [...x.right, ...y.right] });

/**
 * Frobenius norm of the update. With orthonormal columns taken off both sides it is that of the small matrix between them,
 * which also of factors that all but cancel out keeps the digits that Gram matrices lose.
 */
export const normOfProduct = ({ left, right }: Factors): number => Math.sqrt(coreOf(thinQr(left).r, thinQr(right).r).reduce((sum, row) => sum + normOf(row) ** 2, 0));

/** Singular values, largest first, and the vectors of as many as were asked for. */
export type SingularParts = { readonly values: readonly number[]; readonly u: Columns; readonly v: Columns };

/**
 * The largest `count` singular values of the update with their vectors, by QR of both factors and the decomposition of the
 * small matrix between them; the update itself, [out, in], is never formed. Of each pair the left vector's value of the
 * largest magnitude, the first of equals, is positive.
 */
export function singularParts({ left, right }: Factors, count: number): SingularParts {
  const [first, second] = [thinQr(left), thinQr(right)];
  const { matrix, largest } = upToOne(coreOf(first.r, second.r));
  const { diagonal, leftSingularVectors, rightSingularVectors } = new SingularValueDecomposition(matrix, { autoTranspose: true });
  const kept = diagonal.slice(0, count);
  const u = kept.map((_, k) => first.lift(leftSingularVectors.getColumn(k)));
  const v = kept.map((_, k) => second.lift(rightSingularVectors.getColumn(k)));
  u.forEach((vector, k) => {
    if (largestOf(vector) < 0) [vector, v[k]!].forEach(negate);
  });
  return { values: kept.map((value) => value * largest), u, v };
}

/** Rows of R_left R_rightᵀ: [p, m] and [q, m] -> [p, q]. */
function coreOf(left: Columns, right: Columns): Float64Array[] {
  return left.map((row) => Float64Array.from(right, (other) => row.reduce((sum, value, i) => sum + value * other[i]!, 0)));
}

const largestOf = (vector: Float64Array): number => vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);

function negate(vector: Float64Array): void {
  for (let i = 0; i < vector.length; i++) vector[i] = -vector[i]!;
}
