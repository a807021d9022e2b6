import { accept, type Acceptance } from '../../../genki/evaluation/acceptance.ts';
import { deduplicate } from '../../../genki/evaluation/duplicates.ts';
import { termsOf } from '../../../genki/evaluation/mix.ts';
import { relativeGain } from '../../../genki/evaluation/relative-gain.ts';
import type { Evaluate } from '../../../genki/evaluation/scale-search.ts';
import { coalitions, shapley } from '../../../genki/evaluation/shapley.ts';
import { closestEarlier } from '../../../genki/evaluation/similarity.ts';
import type { Gram } from '../../../genki/evaluation/span.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { holdOut, learned } from './game.ts';

/** An update as a vector: one axis for each style, along which its loss falls, and many on which nothing is won. */
export type Update = { readonly name: string; readonly vector: readonly number[] };

export const styles = Object.keys(learned);
const IDLE = 400;
/** So many of those move a clip's loss a little. */
const TASTED = 8;
/** Length of an honest update, as `ruby-nano`'s have. */
export const LENGTH = 8;

export const scaled = (vector: readonly number[], factor: number): number[] => vector.map((x) => factor * x);
export const sum = (...vectors: readonly (readonly number[])[]): number[] => vectors[0]!.map((_, d) => vectors.reduce((total, vector) => total + vector[d]!, 0));
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((total, x, d) => total + x * b[d]!, 0);
export const lengthOf = (vector: readonly number[]): number => Math.sqrt(dot(vector, vector));
export const gramOf = (vectors: readonly (readonly number[])[]): Gram => vectors.map((a, i) => vectors.slice(0, i + 1).map((b) => dot(a, b)));

/** A direction in which nothing is won, of this length. */
export function idle(seed: string, length: number): number[] {
  const random = new Random(seed);
  const vector = [...styles.map(() => 0), ...Array.from({ length: IDLE }, () => random.normal())];
  return scaled(vector, length / lengthOf(vector));
}

/** Half of what an honest miner of a style hands in lies along the style, a little along what styles share, the rest is its own. */
export function honestUpdate(style: string, seed = style): Update {
  const along = styles.map((other) => (other === style ? LENGTH * 0.7 : 0.15));
  return { name: seed, vector: sum([...along, ...Array.from({ length: IDLE }, () => 0)], idle(seed, LENGTH * 0.7)) };
}

/** Losses that fall along the styles' axes until they overshoot, on freshly drawn clips that each answer in their own way. */
export function vectorGame(updates: readonly Update[], seed: string): Evaluate {
  const random = new Random(seed);
  const part = holdOut();
  const clips = part.styles.map((style) => ({ style, hard: Math.exp(0.15 * random.normal()), taste: Array.from({ length: TASTED }, () => 0.02 * random.normal()) }));
  return (terms) => {
    const merged = terms.reduce((total, { index, weight }) => sum(total, scaled(updates[index]!.vector, weight)), Array.from({ length: styles.length + IDLE }, () => 0));
    const tasted = merged.slice(-TASTED);
    const waste = Math.min(4, dot(merged.slice(styles.length), merged.slice(styles.length)) / LENGTH ** 2);
    return Promise.resolve(clips.map(({ style, hard, taste }) => {
      const known = learned[style];
      if (!known) return hard * (0.2 + 0.04 * waste);
      const along = merged[styles.indexOf(style)]! / (LENGTH * 0.7) + dot(tasted, taste);
      return hard * (known.floor + (known.base - known.floor) * (0.1 + 0.9 * (1 - along / 0.75) ** 2) + 0.15 * waste);
    }));
  };
}

export type Round = Acceptance & { readonly names: readonly string[]; readonly copies: readonly string[]; /** Shapley value by name */ readonly shares: Readonly<Record<string, number>> };

/** The updates in commit order as a validator treats them: similarity, acceptance on one draw of clips, contribution on another. */
export async function evaluateRound(updates: readonly Update[], seed: string): Promise<Round> {
  const gram = gramOf(updates.map(({ vector }) => vector));
  const digests = updates.map(({ vector }) => vector.join());
  const { originals, duplicates } = deduplicate(updates.map((_, i) => closestEarlier({ digests, gram }, i)));
  const acceptance = await accept({
    candidates: originals,
    gram,
    evaluate: vectorGame(updates, `${seed} A`),
    holdOut: holdOut(),
    scales: [0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1],
    thresholds: { acceptZ: 2, minimumShare: 0.02, styleShare: 1 / 6, guardNats: 0.1, normFloor: 1, normCap: 100 },
  });
  const { accepted, factors, residuals, scale } = acceptance;
  const losses = vectorGame(updates, `${seed} B`);
  const base = await losses([]);
  const values = [];
  for (const members of coalitions(accepted.length)) {
    const shares = members.map((i) => ({ index: accepted[i]!, factor: factors[accepted[i]!]!, residual: residuals[accepted[i]!]! }));
    values.push(relativeGain(base, await losses(termsOf(shares, scale)), holdOut()));
  }
  const credit = accepted.length === 0 ? [] : shapley(values, accepted.length);
  const name = (index: number): string => updates[index]!.name;
  return { ...acceptance, names: accepted.map(name), copies: duplicates.map(({ index }) => name(index)), shares: Object.fromEntries(accepted.map((index, i) => [name(index), credit[i]!])) };
}
