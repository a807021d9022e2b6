import type { Outer } from '../../protocol/exchange.ts';

/** A model as windows change it. */
export type OuterState = { readonly weights: Float32Array; /** None without momentum, and before the first window. */ readonly momentum: Float32Array | null };

/**
 * The model after a window: SGD with momentum on the pseudo-gradient, as DiLoCo's outer optimiser (Douillard et al. 2023,
 * algorithm 1) and torch.optim.SGD take it. An update is what training added, so it is added, not subtracted:
 *
 *     m ← μ m + u,   w ← w + η m   (Nesterov: w + η (u + μ m))
 *
 * Each in float64 and rounded once, the momentum before it is used, for it is what is kept.
 *
 * @param aggregated u, in the weights' order
 * @returns new vectors; no momentum iff μ is 0
 * @throws {RangeError} for vectors of different lengths, or a momentum where there is none to be
 */
export function outerStep({ learningRate, momentum, nesterov }: Outer, state: OuterState, aggregated: Float32Array): OuterState {
  const size = state.weights.length;
  const before = state.momentum ?? new Float32Array(size);
  if (aggregated.length !== size || before.length !== size) throw new RangeError(`Expected ${size} values of the update and of the momentum, got ${aggregated.length} and ${before.length}`);
  if (momentum === 0 && state.momentum !== null) throw new RangeError('Expected no momentum for a factor of 0, got one');
  const after = momentum === 0 ? aggregated : new Float32Array(size);
  if (momentum !== 0) for (let i = 0; i < size; i++) after[i] = momentum * before[i]! + aggregated[i]!;
  const weights = new Float32Array(size);
  const ahead = nesterov ? momentum : 0;
  for (let i = 0; i < size; i++) weights[i] = state.weights[i]! + learningRate * (nesterov ? aggregated[i]! + ahead * after[i]! : after[i]!);
  return { weights, momentum: momentum === 0 ? null : after };
}
