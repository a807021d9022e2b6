import { describe, expect, it } from 'vitest';
import { inverseOf } from '../../../genki/evaluation/cholesky.ts';
import { Random } from '../../../genki/protocol/random.ts';

describe('inverseOf', () => {
  it('inverts a matrix of two rows, of which it reads the lower half', () => {
    // [4 2; 2 3] has the determinant 8
    expect([...inverseOf(Float64Array.of(4, NaN, 2, 3), 2)]).toEqual([3 / 8, -2 / 8, -2 / 8, 4 / 8].map((x) => expect.closeTo(x, 14)));
  });

  it.each([1, 3, 20])('times the matrix is 1 for any of %i rows', (m) => {
    const random = new Random(`cholesky ${m}`);
    const root = Array.from({ length: m * m }, () => random.normal());
    const matrix = Float64Array.from({ length: m * m }, (_, at) => dot(root, root, { row: Math.floor(at / m), column: at % m, m }) + (at % (m + 1) === 0 ? 1 : 0));
    const inverse = inverseOf(matrix, m);
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < m; column++) expect(dot(matrix, inverse, { row, column, m })).toBeCloseTo(row === column ? 1 : 0, 9);
    }
  });

  it('refuses one that is not positive definite', () => {
    expect(() => inverseOf(Float64Array.of(1, 2, 2, 4), 2)).toThrow('Expected a positive definite matrix, got 0 at 1');
    expect(inverseOf(new Float64Array(0), 0)).toHaveLength(0);
  });
});

/** Of a row of one and a row of the other: the second is symmetric, or meant to be transposed. */
const dot = (one: ArrayLike<number>, other: ArrayLike<number>, { row, column, m }: { row: number; column: number; m: number }): number =>
  Array.from({ length: m }, (_, k) => one[row * m + k]! * other[column * m + k]!).reduce((sum, x) => sum + x, 0);
