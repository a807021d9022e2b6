import { blocksOf } from './kernels/block.ts';
import { combiner } from './kernels/combiner.ts';
import { columnMiddle, columnSorter } from './kernels/sort-columns.ts';
import type { Weights } from './mixing.ts';

/** What is put in order value by value: updates, or combinations of them. */
export type Rows = { readonly count: number; readonly length: number; /** Copies the values [from, to) of each into `rows`. */ readonly copy: (rows: readonly Float32Array[], block: Block) => void };

type Block = { readonly from: number; readonly to: number };

export const updatesAsRows = (updates: readonly Float32Array[]): Rows => ({
  count: updates.length,
  length: updates[0]!.length,
  copy: (rows, { from, to }) => updates.forEach((update, i) => rows[i]!.set(update.subarray(from, to))),
});

/** Combinations are summed in float64 and are float32 as updates are. */
export function combinationsAsRows(updates: readonly Float32Array[], combinations: Weights): Rows {
  const { rows: sources, weigh, combine } = combiner(updates.length, combinations.length);
  combinations.forEach((weights, i) => weights.forEach((weight, j) => weigh(i, j, weight)));
  const copy: Rows['copy'] = (rows, { from, to }) => {
    sources.forEach((source, i) => source.set(updates[i]!.subarray(from, to)));
    combine().forEach((values, i) => rows[i]!.set(values));
  };
  return { count: combinations.length, length: updates[0]!.length, copy };
}

/** Of each coordinate's values the mean of those from place `from` to `to`, exclusive, the smallest first. */
export function middleOf(rows: Rows, from: number, to: number): Float32Array {
  const { rows: block, run } = columnMiddle(rows.count, from, to);
  return blockwise(rows, (at, result) => {
    rows.copy(block, at);
    run();
    result.set(block[0]!.subarray(0, result.length));
  });
}

/** Of each coordinate's values the mean of the `count` nearest to their median; of two equally near ones the smaller. */
export function aroundMedian(rows: Rows, count: number): Float32Array {
  const { rows: sorted, run } = columnSorter(rows.count);
  return blockwise(rows, (at, result) => {
    rows.copy(sorted, at);
    run();
    for (let column = 0; column < result.length; column++) result[column] = meanAround(sorted, column, count);
  });
}

function meanAround(sorted: readonly Float32Array[], column: number, count: number): number {
  const n = sorted.length;
  const median = (sorted[(n - 1) >> 1]![column]! + sorted[n >> 1]![column]!) / 2;
  let first = 0;
  // the nearest ones lie side by side; one step up as long as the value that comes in is nearer than the one that goes
  while (first + count < n && sorted[first + count]![column]! - median < median - sorted[first]![column]!) first++;
  let sum = 0;
  for (let i = first; i < first + count; i++) sum += sorted[i]![column]!;
  return sum / count;
}

function blockwise({ length }: Rows, fill: (at: Block, result: Float32Array) => void): Float32Array {
  const result = new Float32Array(length);
  for (const at of blocksOf(length)) fill(at, result.subarray(at.from, at.to));
  return result;
}
