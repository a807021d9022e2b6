import type { Adapter } from '../../music/lora.ts';
import { stackAdapters, type WeightedAdapter } from './stack.ts';

export type Rebased = { readonly kind: 'exact'; readonly adapter: Adapter };

/**
 * An adapter that was made for the base W, for the base W' = W + Σ weight · ΔW that came of merges:
 *
 *     W' + Δ' = W + Δ,   Δ' = Δ − Σ weight · ΔW
 *
 * to 2⁻⁴⁷ of the parts; what is left is that W' itself is stored in float32 or less. Its rank is up to twice the sum of all
 * ranks; `recompress` brings it back, and says what that costs.
 *
 * @param rebasing.merged what W' has more than W, in the order of `rebaseVerdict`
 * @throws {InvalidInput} as `stackAdapters`
 */
export function rebase({ adapter, merged }: { readonly adapter: Adapter; readonly merged: readonly WeightedAdapter[] }): Rebased {
  const removed = merged.map((part) => ({ ...part, weight: -part.weight }));
  return { kind: 'exact', adapter: stackAdapters([{ adapter, weight: 1 }, ...removed], { remainders: true }) };
}
