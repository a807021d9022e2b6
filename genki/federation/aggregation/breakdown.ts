import type { Aggregation } from '../../protocol/exchange.ts';

/** How many of n peers a share is, rounded down; .29 of 100 are 29, though their product in float64 is less. */
export const countOf = (share: number, n: number): number => Math.floor(share * n + 1e-9);

/** How many faulty ones of n Krum can reckon with: 2f + 2 < n (Blanchard et al. 2017, proposition 1). */
export const krumFaulty = (share: number, n: number): number => Math.min(countOf(share, n), Math.max(0, Math.floor((n - 3) / 2)));

/** How many faulty ones of n Bulyan can reckon with: 4f + 3 <= n (El Mhamdi et al. 2018, section 4). */
export const bulyanFaulty = (share: number, n: number): number => Math.min(countOf(share, n), Math.max(0, Math.floor((n - 3) / 4)));

/**
 * How many of n updates may be anything at all, while the aggregate provably stays with the honest ones:
 *
 *     mean                0           one is enough (Blanchard et al. 2017, lemma 1)
 *     trimmed mean        ⌊trim n⌋    each value lies between honest ones (Yin et al. 2018, section 4.2)
 *     coordinate median   ⌊(n−1)/2⌋   the same (Yin et al. 2018, section 4.1)
 *     geometric median    ⌊(n−1)/2⌋   Lopuhaä and Rousseeuw 1991, theorem 2.2; how far: Minsker 2015, lemma 2.1
 *     Krum, multi-Krum    f = ⌊faulty n⌋ where 2f + 2 < n, else the largest such f (Blanchard et al. 2017, proposition 1)
 *     Bulyan              f = ⌊faulty n⌋ where 4f + 3 <= n, else the largest such f (El Mhamdi et al. 2018, section 4)
 *     centred clipping    ⌊(n−1)/2⌋   if its radius fits the honest updates: see `centredClipping`
 *
 * Behind mixing at most ⌊mixing n⌋: with one more, every mixed update has something of a faulty one in it.
 */
export function breakdown({ rule, mixing }: Aggregation, n: number): number {
  return Math.min(ofRule(rule, n), mixing === undefined ? n : countOf(mixing, n));
}

/** The same as a share of very many. */
export function breakdownShare({ rule, mixing }: Aggregation): number {
  return Math.min(shareOf(rule), mixing ?? 1);
}

const minority = (n: number): number => Math.max(0, Math.floor((n - 1) / 2));

function ofRule(rule: Aggregation['rule'], n: number): number {
  switch (rule.kind) {
    case 'mean':
      return 0;
    case 'trimmed-mean':
      return countOf(rule.trim, n);
    case 'coordinate-median':
    case 'geometric-median':
    case 'centred-clipping':
      return minority(n);
    case 'krum':
    case 'multi-krum':
      return krumFaulty(rule.faulty, n);
    case 'bulyan':
      return bulyanFaulty(rule.faulty, n);
  }
}

function shareOf(rule: Aggregation['rule']): number {
  switch (rule.kind) {
    case 'mean':
      return 0;
    case 'trimmed-mean':
      return rule.trim;
    case 'coordinate-median':
    case 'geometric-median':
    case 'centred-clipping':
      return 0.5;
    case 'krum':
    case 'multi-krum':
    case 'bulyan':
      return rule.faulty;
  }
}
