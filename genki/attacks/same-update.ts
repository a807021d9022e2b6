import type { Adapter } from '../music/lora.ts';
import type { Random } from '../protocol/random.ts';
import { changed, times } from './matrices.ts';
import { orthonormal } from './orthonormal.ts';

// The same ΔW = scale B A from other matrices: another digest, to pass for other work. The cosine of updates sees only
// the products, so it stays 1.

/** A · factor and B / factor. */
export const rescaledCopy = (adapter: Adapter, factor = 2): Adapter => changed(adapter, ({ a, b }) => ({ a: times(a, factor), b: times(b, 1 / factor) }));

/** The rows of A and the columns of B in reverse. */
export const permutedCopy = (adapter: Adapter): Adapter =>
  changed(adapter, ({ a, b, in: columns, rank }) => ({
    a: a.map((_, i) => a[(rank - 1 - Math.floor(i / columns)) * columns + (i % columns)]!),
    b: b.map((_, i) => b[Math.floor(i / rank) * rank + rank - 1 - (i % rank)]!),
  }));

/** B R and Rᵀ A with a random rotation R for each layer: no number of the original is left. */
export const rotatedCopy = (adapter: Adapter, random: Random): Adapter =>
  changed(adapter, ({ a, b, in: columns, rank }) => {
    const rotation = orthonormal(Array.from({ length: rank }, () => Float64Array.from({ length: rank }, () => random.normal()))).q;
    const rotated = (value: (s: number) => number, r: number): number => rotation[r]!.reduce((sum, part, s) => sum + part * value(s), 0);
    return {
      a: a.map((_, i) => rotated((s) => a[s * columns + (i % columns)]!, Math.floor(i / columns))),
      b: b.map((_, i) => rotated((s) => b[Math.floor(i / rank) * rank + s]!, i % rank)),
    };
  });
