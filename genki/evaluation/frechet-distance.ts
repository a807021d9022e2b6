import { SingularValueDecomposition } from 'ml-matrix';
import { InvalidInput } from '../errors.ts';
import { type Embeddings, fitGaussian, type Gaussian, squaredDistance, upToOne } from './gaussian.ts';

/**
 * Fréchet audio distance of two sets of embeddings (Kilgour et al. 2019, arXiv 1812.08466): how far apart the normal
 * distributions fitted to them lie, in squared units of the embedding,
 *
 *     ||μx − μy||² + Tr(Σx) + Tr(Σy) − 2 Tr((Σx Σy)^½)
 *
 * The last trace is the nuclear norm of Ax Ayᵀ, A being the centred rows over √(n − 1): exact for any rank, where a root
 * of Σx Σy leaves the real numbers. The smaller the sets, the larger the distance: compare only sets of one size, and name
 * it beside the figure, or take `frechetInfinity`.
 *
 * @param x shape [n][d], n ≥ 2; `y` may have another n
 * @returns ≥ 0, never NaN; for equal sets 0 up to 1e-12 of Tr(Σ)
 * @throws {InvalidInput} for fewer than two rows, widths that differ, a value that is not finite or beyond ±1e150
 */
export function frechetDistance(x: Embeddings, y: Embeddings): number {
  return gaussianDistance(fitGaussian(x, 'the first embeddings'), fitGaussian(y, 'the second embeddings'));
}

/**
 * `frechetDistance` of two sets that are fitted already.
 * @throws {InvalidInput} when their widths differ
 */
export function gaussianDistance(x: Gaussian, y: Gaussian): number {
  if (x.mean.length !== y.mean.length) throw new InvalidInput(`Expected embeddings of ${x.mean.length} dimensions, got ${y.mean.length}`);
  const overlap = nuclearNorm(outerProduct(x.root, y.root));
  const shapes = Math.max(x.trace + y.trace - 2 * overlap, 0); // below 0 by rounding only
  return squaredDistance(x.mean, y.mean) + shapes;
}

/** Every row of x with every row of y, two by two: half of the reads. [n][d], [m][d] -> [n][m] */
function outerProduct(x: readonly Float64Array[], y: readonly Float64Array[]): Float64Array[] {
  const product = x.map(() => new Float64Array(y.length));
  for (let i = 0; i < x.length; i += 2) {
    for (let j = 0; j < y.length; j += 2) fillTwoByTwo(product, { x, y, i, j });
  }
  return product;
}

function fillTwoByTwo(product: readonly Float64Array[], { x, y, i, j }: { x: readonly Float64Array[]; y: readonly Float64Array[]; i: number; j: number }): void {
  const [i1, j1] = [Math.min(i + 1, x.length - 1), Math.min(j + 1, y.length - 1)]; // an odd last row is paired with itself
  const [x0, x1, y0, y1] = [x[i]!, x[i1]!, y[j]!, y[j1]!];
  let s00 = 0, s01 = 0, s10 = 0, s11 = 0;
  for (let k = 0; k < x0.length; k++) {
    const a = x0[k]!, b = x1[k]!, c = y0[k]!, d = y1[k]!;
    s00 += a * c;
    s01 += a * d;
    s10 += b * c;
    s11 += b * d;
  }
  product[i]![j] = s00;
  product[i]![j1] = s01;
  product[i1]![j] = s10;
  product[i1]![j1] = s11;
}

/** Sum of the singular values. */
function nuclearNorm(rows: readonly Float64Array[]): number {
  const { matrix, largest } = upToOne(rows);
  const { diagonal } = new SingularValueDecomposition(matrix, { computeLeftSingularVectors: false, computeRightSingularVectors: false, autoTranspose: true });
  return largest * diagonal.reduce((sum, value) => sum + value, 0);
}
