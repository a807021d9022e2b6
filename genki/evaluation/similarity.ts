import { updateNorm, type Adapter, type AdapterLayer } from '../music/lora.ts';

/** How close a submission comes to the closest one before it. */
export type Similarity = {
  /** In [0, 1]; 1 is the same update up to its length. */
  readonly similarity: number;
  /** Index of that earlier submission; none for the first, and where all are orthogonal. */
  readonly to?: number;
};

/**
 * Frobenius inner product of two adapters' updates without forming them:
 *
 *     ⟨B₁A₁, B₂A₂⟩ = Σ (B₁ᵀB₂) ∘ (A₁A₂ᵀ)
 *
 * summed over the modules that both adapt, scales included. It sees only the products BA, so rescaling or rotating
 * A against B changes nothing.
 */
export function updateInnerProduct(first: Adapter, second: Adapter): number {
  let sum = 0;
  for (const [module, x] of first.layers) {
    const y = second.layers.get(module);
    if (y) sum += x.scale * y.scale * layerInnerProduct(x, y);
  }
  return sum;
}

function layerInnerProduct(x: AdapterLayer, y: AdapterLayer): number {
  let sum = 0;
  for (let j = 0; j < x.rank; j++) {
    for (let k = 0; k < y.rank; k++) {
      let left = 0; // (B₁ᵀB₂)[j, k]
      for (let o = 0; o < x.out; o++) left += x.b[o * x.rank + j]! * y.b[o * y.rank + k]!;
      let right = 0; // (A₁A₂ᵀ)[j, k]
      for (let i = 0; i < x.in; i++) right += x.a[j * x.in + i]! * y.a[k * y.in + i]!;
      sum += left * right;
    }
  }
  return sum;
}

/** Cosine of two updates in [−1, 1]; 0 when one of them is nothing. */
export function updateCosine(first: Adapter, second: Adapter): number {
  return cosine(updateInnerProduct(first, second), updateNorm(first), updateNorm(second));
}

function cosine(product: number, first: number, second: number): number {
  const value = product / first / second;
  return Number.isFinite(value) ? Math.min(1, Math.max(-1, value)) : 0;
}

/** A submission that others are compared with. */
export type Comparable = { readonly digest: string; readonly adapter: Adapter; /** Frobenius norm of its update */ readonly norm: number };

/**
 * The largest similarity of a submission to an earlier one: 1 for the same content digest, else how far the cosine of
 * the updates is from 0. The opposite of an update is made from it as much as a copy: merged together they cancel out.
 *
 * @param submissions in commit order; only those before `index` count, so an original is never a copy of its copy
 */
export function closestEarlier(submissions: readonly Comparable[], index: number): Similarity {
  const { digest, adapter, norm } = submissions[index]!;
  let closest: Similarity = { similarity: 0 };
  for (const [to, earlier] of submissions.slice(0, index).entries()) {
    const similarity = digest === earlier.digest ? 1 : Math.abs(cosine(updateInnerProduct(adapter, earlier.adapter), norm, earlier.norm));
    if (similarity > closest.similarity) closest = { similarity, to };
  }
  return closest;
}

/** `closestEarlier` of each submission, in commit order. */
export function similarities(submissions: readonly Omit<Comparable, 'norm'>[]): Similarity[] {
  const all = submissions.map(({ digest, adapter }) => ({ digest, adapter, norm: updateNorm(adapter) }));
  return all.map((_, i) => closestEarlier(all, i));
}
