import type { Ops, Shape } from './engine.ts';
import type { Cut } from './shapes.ts';

/** What a value has to tell so that its operations can be differentiated. */
export type Shaped = { readonly shape: Shape; readonly dtype: string };

/** The operations of one engine without gradients, and the few more that the gradients are made of. */
export interface Primitives<T extends Shaped> extends Ops<T> {
  scalar(value: number): T;
  /** (1 + erf(z)) / 2: the normal distribution's probability of less than z√2. */
  normalCdf(z: T): T;
  /** layerNorm with its statistics, each [..., 1]. */
  normalize(a: T, gain: T, bias: T, epsilon: number): { readonly output: T; readonly mean: T; readonly inverseDeviation: T };
  /** The mean over the last axis, which stays as 1. */
  lastMean(a: T): T;
  /** Repeats `a`, which has the shape's rank or is a scalar, until it has the shape. */
  expand(a: T, shape: Shape): T;
  /** `chosen` where `a`, of the same shape, is positive, else 0. */
  wherePositive(a: T, chosen: T): T;
  /** int32 [...] -> float32 [..., size], 1 at the id. */
  oneHot(ids: T, size: number): T;
  /** Of each row its entry at the id: [..., V], int32 [...] -> [...]. */
  pick(a: T, ids: T): T;
  /** `a` with an addend at each row's entry at the id: [..., V], int32 [...], [...] -> [..., V]. */
  addAt(a: T, ids: T, addends: T): T;
  /** Aᵀ B over all rows: [..., M], [..., N] -> [M, N]. */
  rowProduct(a: T, b: T): T;
  /** Zeros of the shape of `whole`, and `a` where a slice of it was cut out. */
  unslice(a: T, whole: T, cut: Cut): T;
}
