/** Values of each update that are worked on at once: those of 64 updates stay in the second-level cache. */
export const BLOCK = 512;
/** Rows are a cache line farther apart than they are long: at a power of two, values of one column would share a few lines of the first-level cache. */
const LINE = 64;
export const STRIDE_F32 = 4 * BLOCK + LINE;
export const STRIDE_F64 = 8 * BLOCK + LINE;

/** Where a vector of `length` values is cut: [from, to) in order. */
export function* blocksOf(length: number): Generator<{ readonly from: number; readonly to: number }> {
  for (let from = 0; from < length; from += BLOCK) yield { from, to: Math.min(length, from + BLOCK) };
}
