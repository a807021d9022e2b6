import { mixingWeights } from '../../../../genki/federation/aggregation/mixing.ts';
import { innerProducts } from '../../../../genki/federation/aggregation/inner-products.ts';
import { apart, lengthOf, meanOf } from '../../../../genki/attacks/windows/spread.ts';
import type { Aggregation } from '../../../../genki/protocol/exchange.ts';

/** What is added to a bound for float32 and the smoothed median. */
const ROUNDING = 1e-5;

export type Ground = { /** as a rule sees them */ readonly honest: readonly Float32Array[]; readonly peers: number; readonly faulty: number };

const pairsOf = (updates: readonly Float32Array[]): number[] => updates.flatMap((x, i) => updates.slice(0, i).map((y) => apart(x, y)));
export const widthOf = (updates: readonly Float32Array[]): number => Math.max(0, ...pairsOf(updates));
export const reachOf = (updates: readonly Float32Array[]): number => Math.max(...updates.map((update) => apart(update, meanOf(updates))));

/** How far from the honest mean a rule can be brought at most by as many faulty updates as it survives, whatever they are. */
export function boundOf(rule: Aggregation['rule'], { honest, peers: n, faulty: f }: Ground): number {
  switch (rule.kind) {
    case 'mean':
      return ROUNDING;
    // every value lies between two honest ones
    case 'trimmed-mean':
    case 'coordinate-median':
      return lengthOf(rangesOf(honest)) + ROUNDING;
    // Minsker 2015, lemma 2.1: C r, C = (1 − α) / √(1 − 2α)
    case 'geometric-median':
      return (((1 - f / n) / Math.sqrt(1 - (2 * f) / n)) * reachOf(honest)) + ROUNDING;
    // the one chosen scores at most as an honest one, (n − f − 2) width², and at least n − 2f − 1 of its neighbours are honest
    case 'krum':
    case 'multi-krum':
      return widthOf(honest) * Math.sqrt((n - f - 2) / (n - 2 * f - 1)) + reachOf(honest) + ROUNDING;
    // the median of the selected lies between two honest values, and enough honest ones are at most their range from it
    case 'bulyan':
      return 2 * lengthOf(rangesOf(honest)) + ROUNDING;
    // proved at `centredClipping`
    case 'centred-clipping':
      return (rule.radius * f) / (n - f) + (f / n) ** rule.iterations * lengthOf(meanOf(honest)) + ROUNDING;
  }
}

/** The smallest radius for which the bound of centred clipping holds. */
export function radiusFor({ honest, peers: n, faulty: f }: Ground): number {
  const reach = reachOf(honest);
  return 1.000001 * Math.max((reach * (n - f)) / (n - 2 * f), lengthOf(meanOf(honest)) + reach);
}

/** What stands in the place of the first `count` updates after mixing. */
export function mixedFirst(updates: readonly Float32Array[], faulty: number, count: number): Float32Array[] {
  return mixingWeights(innerProducts(updates), faulty).slice(0, count).map((weights) => updates[0]!.map((_, k) => updates.reduce((sum, update, i) => sum + weights[i]! * update[k]!, 0)));
}

function rangesOf(updates: readonly Float32Array[]): Float64Array {
  return Float64Array.from(updates[0]!, (_, k) => {
    const values = updates.map((update) => update[k]!);
    return Math.max(...values) - Math.min(...values);
  });
}
