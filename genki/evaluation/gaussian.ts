import { Matrix, QrDecomposition } from 'ml-matrix';
import { InvalidInput } from '../errors.ts';

/** One row an embedding: shape [n][d]. */
export type Embeddings = readonly (Float32Array | Float64Array)[];

/** What a Fréchet distance takes from a set of embeddings. */
export type Gaussian = {
  /** Shape [d]. */
  readonly mean: Float64Array;
  /** A with AᵀA = Σ, the covariance: shape [min(n, d)][d]. Never Σ itself, whose roots lose half of the digits. */
  readonly root: readonly Float64Array[];
  /** Tr(Σ). */
  readonly trace: number;
};

/** Above this the square of a distance is no longer a finite float64. */
export const LARGEST_EMBEDDING = 1e150;

/**
 * Mean and covariance of a set of embeddings: A = (X − mean) / √(n − 1), reduced to the triangle R of A = QR where there
 * are more rows than dimensions, since RᵀR is the same covariance.
 *
 * @param embeddings at least two, all of one width
 * @param whose named in the errors
 * @throws {InvalidInput} for fewer rows, rows of several widths, a value that is not finite or beyond ±1e150
 */
export function fitGaussian(embeddings: Embeddings, whose = 'embeddings'): Gaussian {
  if (embeddings.length < 2) throw new InvalidInput(`Expected at least 2 rows of ${whose}, got ${embeddings.length}`);
  checkEmbeddings(embeddings, whose);
  const mean = meanOf(embeddings);
  const scale = Math.sqrt(embeddings.length - 1);
  const centred = embeddings.map((row) => mean.map((mu, k) => (row[k]! - mu) / scale)); // [n][d]
  const trace = centred.reduce((sum, row) => sum + squaredNorm(row), 0);
  return { mean, root: centred.length > mean.length ? triangleOf(centred) : centred, trace };
}

/** @throws {InvalidInput} for no rows, rows of several widths or of none, a value that is not finite or beyond ±1e150 */
export function checkEmbeddings(embeddings: Embeddings, whose: string): void {
  const width = embeddings[0]?.length ?? 0;
  if (width === 0) throw new InvalidInput(`Expected ${whose} of one dimension or more, got none`);
  embeddings.forEach((row, i) => {
    if (row.length !== width) throw new InvalidInput(`Expected ${width} dimensions in row ${i} of ${whose}, got ${row.length}`);
    const unfit = row.findIndex((value) => !(Math.abs(value) <= LARGEST_EMBEDDING));
    if (unfit >= 0) throw new InvalidInput(`Expected numbers within ±${LARGEST_EMBEDDING} in ${whose}, got ${row[unfit]} in row ${i}, column ${unfit}`);
  });
}

/** @returns shape [d], float64 */
export function meanOf(embeddings: Embeddings): Float64Array {
  const mean = new Float64Array(embeddings[0]!.length);
  for (const row of embeddings) row.forEach((value, k) => { mean[k]! += value; });
  return mean.map((sum) => sum / embeddings.length);
}

export const squaredNorm = (row: Float64Array): number => row.reduce((sum, value) => sum + value * value, 0);

/** ||x − y||². */
export const squaredDistance = (x: Float64Array, y: Float64Array): number => x.reduce((sum, value, k) => sum + (value - y[k]!) ** 2, 0);

// [n][d] -> [d][d]
function triangleOf(rows: readonly Float64Array[]): Float64Array[] {
  const { matrix, largest } = upToOne(rows);
  const triangle = new QrDecomposition(matrix).upperTriangularMatrix;
  return Array.from({ length: triangle.rows }, (_, i) => Float64Array.from(triangle.getRow(i), (value) => value * largest));
}

/**
 * Rows over their largest magnitude, for decompositions, which lose all digits among subnormal numbers: what is below
 * 1e-150 of the largest becomes 0 and could not show in a sum of squares with it.
 * @returns `largest` 0 when all are 0
 */
export function upToOne(rows: readonly Float64Array[]): { matrix: Matrix; largest: number } {
  const largest = rows.reduce((most, row) => row.reduce((max, value) => Math.max(max, Math.abs(value)), most), 0);
  const matrix = Matrix.zeros(rows.length, rows[0]!.length);
  rows.forEach((row, i) => row.forEach((value, k) => {
    if (Math.abs(value / largest) >= 1e-150) matrix.set(i, k, value / largest);
  }));
  return { matrix, largest };
}
