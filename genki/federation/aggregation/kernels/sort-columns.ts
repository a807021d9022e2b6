import { BLOCK, STRIDE_F32 } from './block.ts';
import { recent } from './recent.ts';
import { sortingNetwork } from './sorting-network.ts';
import { type Code, each, f32x4, f64x2, get, type Kernel, kernel, repeat, set } from './wasm.ts';

/** Rows of float32 values, [n][BLOCK], of which all columns are sorted at once; its caller fills and reads `rows`. */
export type ColumnSorter = { readonly rows: readonly Float32Array[]; readonly run: () => void };

/** A sorter after which row i has the i-th smallest value of each column. */
export const columnSorter = recent((n: number): ColumnSorter => sorterOf(n, (position, sorted) => each(n, (i) => [...get(position), ...get(sorted + i), ...f32x4.store(i * STRIDE_F32)])));

/**
 * A sorter after which row 0 has the mean of each column's values from place `from` to `to`, exclusive, smallest first: summed
 * in rising order in float64, rounded once. What these places do not need is not computed.
 */
export const columnMiddle = recent((n: number, from: number, to: number): ColumnSorter =>
  sorterOf(n, (position, sorted) => {
    const [first, last] = [sorted + n, sorted + n + 1];
    const mean = (sum: number): Code => [...get(sum), ...f64x2.both(to - from), ...f64x2.div, ...f64x2.demoted];
    return [
      ...[first, last].flatMap((sum) => [...f64x2.zero, ...set(sum)]),
      ...each(to - from, (i) => {
        const value = get(sorted + from + i);
        return [...get(first), ...value, ...f64x2.promoted, ...f64x2.add, ...set(first), ...get(last), ...value, ...value, ...f32x4.lastHalves, ...f64x2.promoted, ...f64x2.add, ...set(last)];
      }),
      ...get(position), ...mean(first), ...mean(last), ...f32x4.halves, ...f32x4.store(0),
    ];
  }),
);

/** A sorting network over whole rows, four columns at a time: it has no branches to mispredict. */
function sorterOf(n: number, use: (position: number, sorted: number) => Code): ColumnSorter {
  const [position, end, values] = [0, 1, 2];
  const body: Code = [
    ...each(n, (i) => [...get(position), ...f32x4.load(i * STRIDE_F32), ...set(values + i)]),
    ...sortingNetwork(n).flatMap(([low, high]) => {
      const both = [...get(values + low), ...get(values + high)];
      return [...both, ...f32x4.lower, ...both, ...f32x4.upper, ...set(values + high), ...set(values + low)];
    }),
    ...use(position, values),
  ];
  const { memory, run }: Kernel = kernel({ params: 2, locals: n + 2, bytes: n * STRIDE_F32, body: repeat({ local: position, step: 16, until: end }, body) });
  return { rows: Array.from({ length: n }, (_, i) => new Float32Array(memory, i * STRIDE_F32, BLOCK)), run: () => run(0, 4 * BLOCK) };
}
