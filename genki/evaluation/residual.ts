import { normOf, spanOf, type Gram, type Part } from './span.ts';

/** What an update has of earlier ones, which it is valued without: ΔW − Σ coefficient · ΔW of `index`. */
export type Residual = readonly Part[];

/**
 * From this correlation with what is accepted already an update is valued by its residual. Honest updates of different
 * styles stay below .05, of one style they have .08 to .27 with each other: what those share is paid to the first who brings it. A
 * copy falls below it under orthogonal noise of ten times its length, and then one length for all leaves a tenth of it.
 */
export const RESIDUAL_CORRELATION = 0.1;

export type Remainder = { readonly residual: Residual; /** Frobenius norm of what is left */ readonly norm: number; /** with the combination that was taken out or, below the threshold, left in */ readonly correlation: number };

/** What is left of an update after the accepted ones before it (protocol §3.15). */
export function remainderOf(gram: Gram, index: number, accepted: readonly number[]): Remainder {
  const { correlation, parts, residualNorm } = spanOf(gram, index, accepted.filter((other) => other < index));
  if (correlation < RESIDUAL_CORRELATION) return { residual: [], norm: normOf(gram, index), correlation };
  return { residual: parts, norm: residualNorm, correlation };
}
