/** Columns of n numbers each. */
export type Columns = readonly Float64Array[];

/**
 * Thin QR by Gram and Schmidt, each column twice, so that it holds in float64 also where columns nearly depend on each
 * other: columns[j] = Σ_i q[i] · r[i][j], the q orthonormal.
 *
 * @returns q with as many columns, a zero one where a column depends on those before; r upper triangular
 */
export function orthonormal(columns: Columns): { q: Float64Array[]; r: number[][] } {
  const q: Float64Array[] = [];
  const r = columns.map(() => columns.map(() => 0));
  columns.forEach((column, j) => {
    const rest = Float64Array.from(column);
    const length = norm(column);
    for (const _ of ['once', 'again']) {
      for (const [i, unit] of q.entries()) r[i]![j]! += takeOut(rest, unit);
    }
    const left = norm(rest);
    const depends = left <= 1e-12 * length;
    r[j]![j] = depends ? 0 : left;
    q.push(depends ? rest.fill(0) : rest.map((value) => value / left));
  });
  return { q, r };
}

/** Subtracts what lies along the unit vector; how much that was. */
function takeOut(vector: Float64Array, unit: Float64Array): number {
  const along = dot(vector, unit);
  for (let i = 0; i < vector.length; i++) vector[i]! -= along * unit[i]!;
  return along;
}

const dot = (x: Float64Array, y: Float64Array): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
const norm = (x: Float64Array): number => Math.sqrt(dot(x, x));
