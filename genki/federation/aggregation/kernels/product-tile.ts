import { BLOCK, STRIDE_F64 } from './block.ts';
import { recent } from './recent.ts';
import { type Code, each, f64, f64x2, get, grow, kernel, origin, repeat, set } from './wasm.ts';

/** Rows whose products with as many others are summed at once: nine sums and six operands are what registers hold. */
export const TILE = 3;

/** Rows of float64 values, [n][BLOCK], and their inner products; its caller fills `rows`. */
export type ProductTile = {
  readonly rows: readonly Float64Array[];
  /** Of `TILE` rows from i on with `TILE` rows from j on, row-major; overwritten by the next call. A row past the last one is 0. */
  readonly products: (i: number, j: number) => Float64Array;
};

/** Inner products in two lanes, of the even and of the odd columns: each pair's sum is taken in the same order, whichever tile it is in. */
export const productTile = recent((n: number): ProductTile => {
  const out = TILE * Math.ceil(n / TILE) * STRIDE_F64;
  const [left, right, end] = [0, 1, 2];
  const [a, b, sums] = [3, 3 + TILE, 3 + 2 * TILE];
  const square = (code: (r: number, c: number, at: number) => Code): Code => each(TILE, (r) => each(TILE, (c) => code(r, c, r * TILE + c)));
  const body: Code = [
    ...repeat({ local: left, step: 16, until: end }, [
      ...each(TILE, (r) => [...get(left), ...f64x2.load(r * STRIDE_F64), ...set(a + r), ...get(right), ...f64x2.load(r * STRIDE_F64), ...set(b + r)]),
      ...square((r, c, at) => [...get(sums + at), ...get(a + r), ...get(b + c), ...f64x2.mul, ...f64x2.add, ...set(sums + at)]),
      ...grow(right, 16),
    ]),
    ...square((_r, _c, at) => [...origin, ...get(sums + at), ...f64x2.lane(0), ...get(sums + at), ...f64x2.lane(1), ...f64.add, ...f64.store(out + 8 * at)]),
  ];
  const { memory, run } = kernel({ params: 3, locals: 2 * TILE + TILE * TILE, bytes: out + 8 * TILE * TILE, body });
  const products = new Float64Array(memory, out, TILE * TILE);
  return {
    rows: Array.from({ length: n }, (_, i) => new Float64Array(memory, i * STRIDE_F64, BLOCK)),
    products: (i, j) => {
      run(i * STRIDE_F64, j * STRIDE_F64, i * STRIDE_F64 + 8 * BLOCK);
      return products;
    },
  };
});
