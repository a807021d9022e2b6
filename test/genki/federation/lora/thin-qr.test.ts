import { describe, expect, it } from 'vitest';
import { type Columns, thinQr as reduced } from '../../../../genki/federation/lora/thin-qr.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { distance } from './support.ts';

/** With Q's columns, which are where unit vectors go. */
function thinQr(columns: Columns): { q: Float64Array[]; r: Columns } {
  const { r, lift } = reduced(columns);
  return { q: r.map((_, j) => lift(r.map((_row, i) => Number(i === j)))), r };
}

const multiplied = (q: Columns, r: Columns, j: number): Float64Array => q[0]!.map((_, k) => q.reduce((sum, column, i) => sum + column[k]! * r[i]![j]!, 0));

/** The largest |qᵢ · qⱼ − [i = j]|. */
function skewness(q: Columns): number {
  return Math.max(...q.flatMap((x, i) => q.map((y, j) => Math.abs(x.reduce((sum, value, k) => sum + value * y[k]!, i === j ? -1 : 0)))));
}

function columnsOf(random: Random, n: number, m: number): Float64Array[] {
  return Array.from({ length: m }, () => Float64Array.from({ length: n }, () => random.normal()));
}

describe('thinQr', () => {
  it('is what it is for 3, 4, 5', () => {
    const { q, r } = thinQr([Float64Array.of(3, 4), Float64Array.of(1, 0)]);
    const rounded = (rows: Columns): number[][] => rows.map((row) => Array.from(row, (value) => Number(value.toFixed(12)) + 0));
    expect(rounded(q)).toEqual([[-0.6, -0.8], [0.8, -0.6]]);
    expect(rounded(r)).toEqual([[-5, -0.6], [0, 0.8]]);
  });

  it('has orthonormal columns and the matrix as their product, tall, square and wide', () => {
    const random = new Random('qr');
    for (let n = 0; n < 200; n++) {
      const [rows, count] = [1 + random.int(12), 1 + random.int(12)];
      const columns = columnsOf(random, rows, count);
      const { q, r } = thinQr(columns);
      expect([q.length, r.length, r[0]!.length]).toEqual([Math.min(rows, count), Math.min(rows, count), count]);
      expect(skewness(q)).toBeLessThan(1e-14);
      columns.forEach((column, j) => expect(distance(multiplied(q, r, j), column)).toBeLessThan(1e-14));
      r.forEach((row, i) => expect(row.subarray(0, i).every((value) => value === 0)).toBe(true));
    }
  });

  it('stays orthonormal where columns are 0, the same, or nearly so', () => {
    const random = new Random('dependent');
    for (let n = 0; n < 100; n++) {
      const [x, y] = columnsOf(random, 6, 2) as [Float64Array, Float64Array];
      const columns = [x, new Float64Array(6), x, x.map((value, i) => value + 1e-13 * y[i]!), y];
      const { q, r } = thinQr(columns);
      expect(skewness(q)).toBeLessThan(1e-14);
      columns.forEach((column, j) => expect(distance(multiplied(q, r, j), column, 1)).toBeLessThan(1e-14));
    }
  });

  it('lifts any vector as the sum of the columns', () => {
    const random = new Random('lift');
    const columns = columnsOf(random, 7, 4);
    const x = [1, 2, 3, 4].map(() => random.normal());
    const { q } = thinQr(columns);
    expect(distance(reduced(columns).lift(x), q[0]!.map((_, k) => q.reduce((sum, column, i) => sum + column[k]! * x[i]!, 0)))).toBeLessThan(1e-14);
  });

  it('leaves the columns alone', () => {
    const column = Float64Array.of(3, 4);
    thinQr([column]);
    expect(column).toEqual(Float64Array.of(3, 4));
  });
});
