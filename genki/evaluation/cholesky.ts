/**
 * Inverse of a symmetric positive definite matrix, by A = L Lᵀ and A⁻¹ = L⁻ᵀ L⁻¹. Only additions, products, quotients
 * and square roots, always in the same order: the same bits everywhere.
 *
 * @param matrix row-major [m, m]; what lies above the diagonal is not read
 * @returns row-major [m, m]
 * @throws {RangeError} when the matrix is not positive definite
 */
export function inverseOf(matrix: Float64Array, m: number): Float64Array {
  const root = invertLower(lowerRoot(matrix, m), m);
  const inverse = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let a = 0; a <= i; a++) {
      const left = root[i * m + a]!;
      for (let b = 0; b <= a; b++) inverse[a * m + b]! += left * root[i * m + b]!;
    }
  }
  for (let a = 0; a < m; a++) for (let b = 0; b < a; b++) inverse[b * m + a] = inverse[a * m + b]!;
  return inverse;
}

/** L, lower triangular, with L Lᵀ = A. */
function lowerRoot(matrix: Float64Array, m: number): Float64Array {
  const L = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * m + j]!;
      for (let k = 0; k < j; k++) rest -= L[i * m + k]! * L[j * m + k]!;
      if (i === j && !(rest > 0)) throw new RangeError(`Expected a positive definite matrix, got ${rest} at ${i}`);
      L[i * m + j] = i === j ? Math.sqrt(rest) : rest / L[j * m + j]!;
    }
  }
  return L;
}

/** Row by row, each from the rows above it. */
function invertLower(L: Float64Array, m: number): Float64Array {
  const inverse = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < i; k++) {
      const left = L[i * m + k]!;
      for (let j = 0; j <= k; j++) inverse[i * m + j]! -= left * inverse[k * m + j]!;
    }
    const diagonal = L[i * m + i]!;
    for (let j = 0; j < i; j++) inverse[i * m + j]! /= diagonal;
    inverse[i * m + i] = 1 / diagonal;
  }
  return inverse;
}
