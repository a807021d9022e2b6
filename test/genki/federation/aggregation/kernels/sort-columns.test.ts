import { describe, expect, it } from 'vitest';
import { BLOCK } from '../../../../../genki/federation/aggregation/kernels/block.ts';
import { columnMiddle, columnSorter } from '../../../../../genki/federation/aggregation/kernels/sort-columns.ts';
import { sortingNetwork } from '../../../../../genki/federation/aggregation/kernels/sorting-network.ts';
import { Random } from '../../../../../genki/protocol/random.ts';

/** Values with many equal ones among them. */
function filled(rows: readonly Float32Array[], random: Random): number[][] {
  for (const row of rows) row.forEach((_, column) => (row[column] = column % 3 === 0 ? random.int(3) - 1 : random.normal()));
  return Array.from({ length: BLOCK }, (_, column) => rows.map((row) => row[column]!).sort((a, b) => a - b));
}

describe('sortingNetwork', () => {
  it('sorts every list of zeros and ones, and so every list (Knuth, TAOCP 3, theorem 5.3.4Z)', () => {
    for (let n = 1; n <= 10; n++) {
      const network = sortingNetwork(n);
      for (let mask = 0; mask < 2 ** n; mask++) {
        let bits = mask;
        for (const [low, high] of network) {
          if ((bits >> low) & 1 && !((bits >> high) & 1)) bits ^= (1 << low) | (1 << high);
        }
        const ones = mask.toString(2).replaceAll('0', '').length;
        expect(bits).toBe(2 ** n - 2 ** (n - ones));
      }
    }
  });

  it('has as many comparators as Batcher counted', () => {
    expect([1, 2, 4, 16, 64].map((n) => sortingNetwork(n).length)).toEqual([0, 1, 5, 63, 543]);
  });
});

describe('columnSorter', () => {
  it.each([1, 2, 3, 7, 32, 65])('sorts the columns of %i rows', (n) => {
    const { rows, run } = columnSorter(n);
    const sorted = filled(rows, new Random(`sorter/${n}`));
    run();
    sorted.forEach((values, column) => expect(rows.map((row) => row[column]!).join()).toBe(values.join()));
  });
});

describe('columnMiddle', () => {
  it.each([[1, 0, 1], [5, 1, 4], [6, 2, 4], [64, 12, 52], [7, 0, 7]])('of %i rows is the mean of the sorted places %i to %i, bit for bit', (n, from, to) => {
    const { rows, run } = columnMiddle(n, from, to);
    const sorted = filled(rows, new Random(`middle/${n}`));
    run();
    sorted.forEach((values, column) => expect(rows[0]![column]).toBe(Math.fround(values.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from))));
  });

  it('has one zero', () => {
    const { rows, run } = columnMiddle(2, 0, 2);
    for (const row of rows) row.fill(-0);
    run();
    expect(rows[0]![5]).toBe(0);
  });
});
