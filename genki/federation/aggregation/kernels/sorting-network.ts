/** Exchanges two places if the second is smaller. */
export type Comparator = readonly [low: number, high: number];

/** Comparators that sort any n values, in order: merging odd and even (Batcher 1968; Knuth, TAOCP 3, algorithm 5.2.2M). 543 for n = 64. */
export function sortingNetwork(n: number): Comparator[] {
  const comparators: Comparator[] = [];
  const top = 2 ** Math.max(0, Math.ceil(Math.log2(n)) - 1);
  for (let p = top; p >= 1; p /= 2) {
    for (let q = top, r = 0, d = p; ; d = q - p, q /= 2, r = p) {
      for (let i = 0; i < n - d; i++) {
        if ((i & p) === r) comparators.push([i, i + d]);
      }
      if (q === p) break;
    }
  }
  return comparators;
}
