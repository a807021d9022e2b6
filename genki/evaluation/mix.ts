import { lengthFactor } from '../federation/norm-clip.ts';
import { remainderOf, type Residual } from './residual.ts';
import type { Gram } from './span.ts';

/** How much a merge takes of a submission as it was handed in. */
export type Term = { readonly index: number; readonly weight: number };

/** A submission as a merge takes it: factor · (ΔW − Σ coefficient · ΔW of its residual). */
export type Share = { readonly index: number; readonly factor: number; readonly residual: Residual };

/**
 * Each member as it is merged beside others: without what it has of those before it, and all of one length.
 *
 * @param beside whose work it may not count as its own, members or not; only earlier ones matter
 * @param limit the norm that all are brought to
 */
export function sharesOf(gram: Gram, members: readonly number[], { beside, limit }: { beside: readonly number[]; limit: number }): Share[] {
  return members.map((index) => {
    const { residual, norm } = remainderOf(gram, index, beside);
    return { index, factor: lengthFactor(norm, limit), residual };
  });
}

/** The sum of some shares at a scale, in terms of what was handed in: each submission at most once, ascending. */
export function termsOf(shares: readonly Share[], scale: number): Term[] {
  const weights = new Map<number, number>();
  const add = (index: number, weight: number): void => void weights.set(index, (weights.get(index) ?? 0) + weight);
  for (const { index, factor, residual } of shares) {
    add(index, scale * factor);
    for (const part of residual) add(part.index, -scale * factor * part.coefficient);
  }
  return [...weights].map(([index, weight]) => ({ index, weight })).sort((a, b) => a.index - b.index);
}
