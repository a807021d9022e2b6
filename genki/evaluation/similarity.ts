import { updateNorm, type Adapter, type AdapterLayer } from '../music/lora.ts';
import { COPY_SIMILARITY } from './duplicates.ts';
import { COPY_OUTPUTS } from './output-similarity.ts';
import type { SimilarityKind } from './round-report.ts';
import { cosineOf, spanOf, type Gram } from './span.ts';

/** How close a submission comes to the closest one before it. */
export type Similarity = {
  /** In [0, 1]; 1 is the same update up to its length, the same content or the same sound. */
  readonly similarity: number;
  /** Index of that earlier submission, of several that it was mixed from the closest; none for the first, and where all are orthogonal. */
  readonly to?: number;
  /** What it was told by. */
  readonly by?: SimilarityKind;
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
  const left = new Float64Array(x.rank * y.rank); // B₁ᵀB₂
  for (let o = 0; o < x.out; o++) {
    for (let j = 0; j < x.rank; j++) {
      const b = x.b[o * x.rank + j]!;
      for (let k = 0; k < y.rank; k++) left[j * y.rank + k]! += b * y.b[o * y.rank + k]!;
    }
  }
  let sum = 0;
  for (let j = 0; j < x.rank; j++) {
    for (let k = 0; k < y.rank; k++) {
      let right = 0; // (A₁A₂ᵀ)[j, k]
      for (let i = 0; i < x.in; i++) right += x.a[j * x.in + i]! * y.a[k * y.in + i]!;
      sum += left[j * y.rank + k]! * right;
    }
  }
  return sum;
}

/** Cosine of two updates in [−1, 1]; 0 when one of them is nothing. */
export function updateCosine(first: Adapter, second: Adapter): number {
  const cosine = updateInnerProduct(first, second) / updateNorm(first) / updateNorm(second);
  return Number.isFinite(cosine) ? Math.min(1, Math.max(-1, cosine)) : 0;
}

/** Inner products of an update with those before it and with itself: a row of the Gram matrix. Milliseconds a product. */
export const gramRow = (adapters: readonly Adapter[], index: number): number[] => Array.from({ length: index + 1 }, (_, j) => updateInnerProduct(adapters[index]!, adapters[j]!));

export const gramMatrix = (adapters: readonly Adapter[]): Gram => adapters.map((_, index) => gramRow(adapters, index));

/** Submissions in commit order, as far as their likeness goes. */
export type Comparables = {
  /** Content digest of each. */
  readonly digests: readonly string[];
  /** Of their updates. */
  readonly gram: Gram;
  /** Anchored likeness in [0, 1] of what two of them play for the same prompts; nothing where nobody listens. */
  readonly outputs?: (index: number, earlier: number) => number;
  /** Who has nothing of its own, as the ledger knows: nobody is like them, but like whom they took it from. */
  readonly taken?: ReadonlySet<number>;
  /** From this cosine to a single one on it is a copy of that one, whatever else it has. Default: `COPY_SIMILARITY` */
  readonly copyCosine?: number;
};

/**
 * The largest similarity of a submission to the earlier ones, the largest of
 *
 * - 1 for a content digest that was there before,
 * - how far the cosine to one earlier update is from 0: the opposite of an update is made from it as much as a copy, and
 *   merged together they cancel out,
 * - where none is so close, the multiple correlation with all of them (`spanOf`), which finds a mixture of several,
 * - the likeness of what they play, from `COPY_OUTPUTS` on: below it two honest miners of one style are as alike.
 *
 * Of what is equal the first in this list counts, of submissions the earliest. Only those before `index` are looked at, so an
 * original is never a copy of its copy.
 */
export function closestEarlier({ digests, gram, outputs, taken, copyCosine = COPY_SIMILARITY }: Comparables, index: number): Similarity {
  const earlier = Array.from({ length: index }, (_, j) => j).filter((j) => !taken?.has(j));
  const same = earlier.find((j) => digests[j] === digests[index]);
  if (same !== undefined) return { similarity: 1, to: same, by: 'digest' };
  const update = largest(earlier, (j) => Math.abs(cosineOf(gram, index, j)), 'update');
  if (update.similarity >= copyCosine) return update;
  const { correlation, parts } = spanOf(gram, index, earlier);
  const span: Similarity = parts.length > 1 ? { similarity: correlation, to: parts[0]!.index, by: 'span' } : { similarity: 0 };
  const sound = outputs ? largest(earlier, (j) => outputs(index, j), 'outputs') : { similarity: 0 };
  const heard = sound.similarity >= COPY_OUTPUTS ? sound : { similarity: 0 };
  return [span, heard].reduce((closest, one) => (one.similarity > closest.similarity ? one : closest), update);
}

const largest = (indices: readonly number[], of: (index: number) => number, by: SimilarityKind): Similarity =>
  indices.reduce<Similarity>((closest, to) => (of(to) > closest.similarity ? { similarity: of(to), to, by } : closest), { similarity: 0 });

/** `closestEarlier` of each submission, in commit order. */
export function similarities(submissions: readonly { readonly digest: string; readonly adapter: Adapter }[]): Similarity[] {
  const all = { digests: submissions.map(({ digest }) => digest), gram: gramMatrix(submissions.map(({ adapter }) => adapter)) };
  return submissions.map((_, index) => closestEarlier(all, index));
}
