import { BLOCK, STRIDE_F32, STRIDE_F64 } from './block.ts';
import { recent } from './recent.ts';
import { type Code, each, f32x4, f64x2, get, grow, kernel, plus, repeat, set } from './wasm.ts';

/** Combinations that are summed at once. */
const GROUP = 4;

/** Rows of float64 values, [n][BLOCK], and `count` combinations of them in float32; its caller fills `rows` and `weights`. */
export type Combiner = {
  readonly rows: readonly Float64Array[];
  /** Sets how much of row `row` combination `combination` has. */
  readonly weigh: (combination: number, row: number, weight: number) => void;
  /** Of all rows, in order, summed in float64 and rounded once; overwritten by the next call. [count][BLOCK] */
  readonly combine: () => readonly Float32Array[];
};

export const combiner = recent((n: number, count: number): Combiner => {
  const groups = Math.ceil(count / GROUP);
  const [weights, out] = [n * STRIDE_F64, n * STRIDE_F64 + 8 * GROUP * n * groups];
  const { memory, run } = kernel({ params: 7, locals: 2 + 2 * GROUP, bytes: out + groups * GROUP * STRIDE_F32, body: bodyOf(n) });
  const weight = new Float64Array(memory, weights, GROUP * n * groups);
  const combined = Array.from({ length: count }, (_, i) => new Float32Array(memory, out + i * STRIDE_F32, BLOCK));
  return {
    rows: Array.from({ length: n }, (_, i) => new Float64Array(memory, i * STRIDE_F64, BLOCK)),
    weigh: (combination, row, value) => void (weight[(Math.floor(combination / GROUP) * n + row) * GROUP + (combination % GROUP)] = value),
    combine: () => {
      for (let group = 0; group < groups; group++) run(0, 8 * BLOCK, weights + 8 * GROUP * n * group, out + group * GROUP * STRIDE_F32, 0, 0, 0);
      return combined;
    },
  };
});

/** One group, four columns at a time. Parameters: first column, end of the columns, weights, out; three more that it counts with. */
function bodyOf(n: number): Code {
  const [column, end, weights, out, row, weight, lastRow] = [0, 1, 2, 3, 4, 5, 6];
  const [first, last, sums] = [7, 8, 9];
  return repeat({ local: column!, step: 32, until: end! }, [
    ...each(2 * GROUP, (i) => [...f64x2.zero, ...set(sums! + i)]),
    ...get(column!), ...set(row!), ...get(weights!), ...set(weight!), ...plus(column!, n * STRIDE_F64), ...set(lastRow!),
    ...repeat({ local: row!, step: STRIDE_F64, until: lastRow! }, [
      ...get(row!), ...f64x2.load(0), ...set(first!), ...get(row!), ...f64x2.load(16), ...set(last!),
      ...each(2 * GROUP, (i) => [...get(sums! + i), ...get(weight!), ...f64x2.loadSplat(8 * (i >> 1)), ...get(i % 2 === 0 ? first! : last!), ...f64x2.mul, ...f64x2.add, ...set(sums! + i)]),
      ...grow(weight!, 8 * GROUP),
    ]),
    ...each(GROUP, (i) => [...get(out!), ...get(sums! + 2 * i), ...f64x2.demoted, ...get(sums! + 2 * i + 1), ...f64x2.demoted, ...f32x4.halves, ...f32x4.store(i * STRIDE_F32)]),
    ...grow(out!, 16),
  ]);
}
