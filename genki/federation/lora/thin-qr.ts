/** Columns, or rows, of the same number of float64 values each. */
export type Columns = readonly Float64Array[];

export type ThinQr = {
  /** Rows of the upper triangle, min(n, m) of m values. */
  readonly r: Columns;
  /** Q x, n values, of min(n, m): the columns of Q are orthonormal, and never formed. */
  readonly lift: (x: ArrayLike<number>) => Float64Array;
};

/**
 * Thin QR of a matrix [n, m] given by its columns, by Householder's reflections: columns[j] = Σ_i Q[i] · r[i][j], to the
 * last digits also where columns depend on each other, or are 0. Additions, products, quotients and square roots in one
 * order: the same bits everywhere.
 */
export function thinQr(columns: Columns): ThinQr {
  const n = columns[0]?.length ?? 0;
  const work = columns.map((column) => Float64Array.from(column));
  const mirrors: Float64Array[] = [];
  for (let j = 0; j < Math.min(n, columns.length); j++) {
    const mirror = mirrorOf(work[j]!, j);
    mirrors.push(mirror);
    for (let c = j; c < work.length; c++) reflect(work[c]!, mirror, j);
  }
  const r = mirrors.map((_, i) => Float64Array.from(work, (column, j) => (j < i ? 0 : column[i]!)));
  return { r, lift: (x) => lifted(mirrors, n, x) };
}

/** The unit vector, zero before `from`, whose reflection leaves of the column nothing after `from`; zero where there is nothing. */
function mirrorOf(column: Float64Array, from: number): Float64Array {
  const mirror = column.slice(from);
  const length = normOf(mirror);
  if (length === 0) return mirror;
  mirror[0]! += mirror[0]! < 0 ? -length : length; // away from 0: no digit is lost
  const norm = normOf(mirror);
  return mirror.map((value) => value / norm);
}

/** x − 2 v (v · x), where v lies in the values from `from` on. */
function reflect(x: Float64Array, v: Float64Array, from: number): void {
  let along = 0;
  for (let i = 0; i < v.length; i++) along += v[i]! * x[from + i]!;
  for (let i = 0; i < v.length; i++) x[from + i]! -= 2 * along * v[i]!;
}

/** All reflections, last first, of x and zeros after it. */
function lifted(mirrors: readonly Float64Array[], n: number, x: ArrayLike<number>): Float64Array {
  const column = new Float64Array(n);
  column.set(x);
  for (let i = mirrors.length - 1; i >= 0; i--) reflect(column, mirrors[i]!, i);
  return column;
}

/** Euclidean norm. */
export const normOf = (values: Float64Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
