import type { HoldOut } from '../../../genki/evaluation/held-out.ts';
import type { Term } from '../../../genki/evaluation/mix.ts';
import type { Evaluate } from '../../../genki/evaluation/scale-search.ts';
import type { Gram } from '../../../genki/evaluation/span.ts';
import { Random } from '../../../genki/protocol/random.ts';

/**
 * A federation in closed form. A model is a point of a small space with one axis for each style; the loss on a style is
 * its floor plus how far the model is from what the style needs, plus what it forgot. Each update moves the model.
 */
export type Player = { readonly name: string; /** By style: how far it goes of the way. */ readonly moves: Readonly<Record<string, number>>; /** Length of what it does that is of no use. */ readonly waste?: number };

export const learned: Readonly<Record<string, { base: number; floor: number }>> = {
  dungeon: { base: 0.82, floor: 0.115 },
  victory: { base: 4.14, floor: 0.197 },
  swing: { base: 2.71, floor: 0.148 },
  ambient: { base: 0.63, floor: 0.065 },
  march: { base: 3.44, floor: 0.109 },
};
const guarded: Readonly<Record<string, number>> = { town: 0.2, battle: 0.25, waltz: 0.2 };

/** An honest miner: its own style nearly, the others by what all styles share. */
export const honest = (style: string): Player => ({ name: style, moves: { ...Object.fromEntries(Object.keys(learned).map((other) => [other, 0.05])), [style]: 1 }, waste: 0.25 });

export function holdOut(clipsPerStyle = 8): HoldOut {
  const names = [...Object.keys(learned), ...Object.keys(guarded)];
  return {
    styles: names.flatMap((style) => Array.from({ length: style in guarded ? Math.ceil(clipsPerStyle / 2) : clipsPerStyle }, () => style)),
    floors: Object.fromEntries(Object.entries(learned).map(([style, { floor }]) => [style, floor])),
    guards: Object.keys(guarded),
  };
}

/** Inner products of as many updates, each of length 1 and unlike all others. */
export const unlike = (count: number): Gram => Array.from({ length: count }, (_, i) => Array.from({ length: i + 1 }, (_, j) => (i === j ? 1 : 0)));

/** The game of some players on freshly drawn clips: each clip is of its own difficulty and answers every update in its own way. */
export function game(players: readonly Player[], seed: string, part = holdOut()): Evaluate {
  const random = new Random(seed);
  const clips = part.styles.map((style) => ({ style, hard: Math.exp(0.15 * random.normal()), taste: players.map(() => random.normal()) }));
  return (terms) => Promise.resolve(clips.map((clip) => lossOf(clip, terms)));

  function lossOf({ style, hard, taste }: (typeof clips)[number], terms: readonly Term[]): number {
    const known = learned[style];
    const along = terms.reduce((sum, { index: i, weight }) => sum + weight * (players[i]!.moves[style] ?? 0) * (1 + 0.05 * taste[i]!), 0);
    const waste = terms.reduce((sum, { index: i, weight }) => sum + (weight * (players[i]!.waste ?? 0)) ** 2 + 0.01 * weight * (players[i]!.waste ?? 0) * taste[i]!, 0);
    if (!known) return hard * (guarded[style]! + 0.25 * waste + 0.3 * Math.max(0, -along));
    // the best point is a little short of the whole way, and beyond it the loss rises again
    const left = (1 - along / 0.75) ** 2;
    return hard * (known.floor + (known.base - known.floor) * (0.1 + 0.9 * left) + 0.25 * waste);
  }
}

