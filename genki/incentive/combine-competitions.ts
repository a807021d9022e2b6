import { InvalidInput } from '../errors.ts';
import { shares } from './policy.ts';

export type CompetitionWeights = {
  readonly competition: string;
  /** Of all that is paid, in [0, 1]. */
  readonly share: number;
  /** By hotkey; only their proportions count. */
  readonly weights: ReadonlyMap<string, number>;
};

/**
 * One vector for the chain: Σ share · weights, each competition's weights brought to 1 first, once.
 *
 * A competition that paid nobody in this epoch has no part: the others have its share, in their proportions. The chain
 * takes only proportions, so a part kept back would need somebody to hold it. Each vector counts as of this epoch; in one
 * vector that all of them are averaged into, those whose turn it is not would fade instead.
 *
 * @returns weights by hotkey, sorted by it: finite, ≥ 0, summing to 1, or all 0 when nobody was paid
 * @throws {InvalidInput} for a share outside of [0, 1], or a competition that is there twice
 */
export function combineCompetitions(vectors: readonly CompetitionWeights[]): Map<string, number> {
  const inOrder = [...vectors].sort((a, b) => (a.competition < b.competition ? -1 : 1)); // sums depend on their order
  inOrder.forEach(({ competition, share }, i) => {
    if (!(share >= 0 && share <= 1)) throw new InvalidInput(`Expected competition ${competition} to have a share in [0, 1], got ${share}`);
    if (competition === inOrder[i + 1]?.competition) throw new InvalidInput(`Expected competition ${competition} once, got it twice`);
  });
  const total = new Map<string, number>();
  for (const { share, weights } of inOrder) {
    const proportions = shares([...weights.values()]);
    [...weights.keys()].forEach((hotkey, i) => total.set(hotkey, (total.get(hotkey) ?? 0) + share * proportions[i]!));
  }
  const hotkeys = [...total.keys()].sort();
  const combined = shares(hotkeys.map((hotkey) => total.get(hotkey)!));
  return new Map(hotkeys.map((hotkey, i) => [hotkey, combined[i]!]));
}
