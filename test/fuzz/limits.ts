/** What one case may cost; the reader runs in a process of its own. */
export const LIMITS = Object.freeze({
  /** Of all its threads. */
  cpuMs: 2000,
  /** After so long without an end a case hangs. */
  hangMs: 20_000,
  /** Of the heap of values. */
  heapMiB: 256,
  /** That the largest size of the process grows by. */
  growthMiB: 256,
});
