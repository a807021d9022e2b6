import { div, type Fixed } from './fixed-point.ts';

/** One row of a matrix: (column, value) pairs in the order that the chain stores them, no column twice. */
export type SparseRow<T> = readonly (readonly [number, T])[];

/** Rows of a square matrix in I32F32. */
export type SparseMatrix = readonly SparseRow<Fixed>[];

/** A new matrix of `f(value, row, column)`, without the cells that become `undefined`. */
export const mapCells = <T>(matrix: readonly SparseRow<T>[], f: (value: T, i: number, j: number) => Fixed | undefined): SparseMatrix =>
  matrix.map((row, i) =>
    row.flatMap(([j, value]) => {
      const mapped = f(value, i, j);
      return mapped === undefined ? [] : [[j, mapped] as const];
    }),
  );

/** Sum of each column, shape [n]. */
export function columnSums(matrix: SparseMatrix): Fixed[] {
  const sums = matrix.map(() => 0n);
  for (const row of matrix) for (const [j, value] of row) sums[j]! += value;
  return sums;
}

/** Each column over its sum; cells of a column that sums to 0 are dropped. */
export function normalizeColumns(matrix: SparseMatrix): SparseMatrix {
  const sums = columnSums(matrix);
  return mapCells(matrix, (value, _, j) => (sums[j] === 0n ? undefined : div(value, sums[j]!)));
}

/** Each column over its largest value; a column without a positive value is left. */
export function maxScaleColumns(matrix: SparseMatrix): SparseMatrix {
  const max = matrix.map(() => 0n);
  for (const row of matrix) for (const [j, value] of row) if (value > max[j]!) max[j] = value;
  return mapCells(matrix, (value, _, j) => (max[j] === 0n ? value : div(value, max[j]!)));
}

/** Each row over its sum; a row that sums to 0 keeps its cells. */
export const normalizeRows = (matrix: SparseMatrix): SparseMatrix =>
  matrix.map((row) => {
    const total = row.reduce((sum, [, value]) => sum + value, 0n);
    return total === 0n ? row : row.map(([j, value]) => [j, div(value, total)] as const);
  });

/** Every cell of either row, by ascending column: `f` gets 0 where a side has none. */
export function zipRows(a: SparseRow<Fixed>, b: SparseRow<Fixed>, f: (x: Fixed, y: Fixed, j: number) => Fixed): SparseRow<Fixed> {
  const right = new Map(b);
  const left = new Map(a);
  const columns = [...new Set([...left.keys(), ...right.keys()])].sort((x, y) => x - y);
  return columns.map((j) => [j, f(left.get(j) ?? 0n, right.get(j) ?? 0n, j)] as const);
}
