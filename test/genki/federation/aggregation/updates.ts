import type { Aggregation } from '../../../../genki/protocol/exchange.ts';
import { Random } from '../../../../genki/protocol/random.ts';

export function randomUpdates(count: number, length: number, seed: string): Float32Array[] {
  const random = new Random(`updates/${seed}`);
  return Array.from({ length: count }, () => Float32Array.from({ length }, () => random.normal()));
}

type Rule = Aggregation['rule'];

/** Every rule, for this share of faulty peers as far as its schema takes it. */
export const rulesFor = (share: number, radius = 3): Rule[] => [
  { kind: 'mean' },
  { kind: 'trimmed-mean', trim: share },
  { kind: 'coordinate-median' },
  { kind: 'geometric-median' },
  { kind: 'krum', faulty: share },
  { kind: 'multi-krum', faulty: share },
  { kind: 'bulyan', faulty: Math.min(share, 0.24) },
  { kind: 'centred-clipping', radius, iterations: 3 },
];

/** Every rule, alone and behind mixing. */
export const specsFor = (share: number, radius?: number): Aggregation[] => rulesFor(share, radius).flatMap((rule) => [{ rule }, { rule, mixing: share }]);

export const nameOf = ({ rule, mixing }: Aggregation): string => `${rule.kind}${mixing === undefined ? '' : ' behind mixing'}`;
