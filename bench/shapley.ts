import { shapleyOfAll } from '../genki/evaluation/shapley.ts';
import { estimateShapley } from '../genki/evaluation/shapley-estimate.ts';
import { Random } from '../genki/protocol/random.ts';
import type { Context } from './context.ts';
import { type Figure, figureOf } from './figure.ts';
import { GAMES, valuesOf } from './shapley/games.ts';

const PLAYERS = [12, 14, 16, 18, 20];
const SEEDS = 3;
const BUDGETS = [100, 200, 400, 800];
/** Of all coalitions: the largest budget. */
const PART = 0.1;
/** Rank correlation. */
const CLAIM = 0.95;

/** How an estimate compares with the exact values. */
type Score = { readonly rank: number; /** Largest, as a part of the total gain. */ readonly error: number; /** Mean squared error over mean squared standard error. */ readonly calibration: number };

/**
 * How well the values of 12 to 20 players are estimated from few of their coalitions, in games whose exact values are
 * known, beside plain sampling of permutations (Castro, Gómez and Tejada 2009) with as many.
 */
export async function shapley({ note }: Pick<Context, 'note'>): Promise<Figure[]> {
  const figures: Figure[] = [];
  note(`${GAMES.length} games (${GAMES.join(', ')}), ${SEEDS} seeds each; rank: Spearman's, error: largest, part of the total; peer: plain permutations`);
  note('players  coalitions    rank mean    min    peer mean    min    error mean     max    peer mean     max    error²/s.e.²');
  for (const players of PLAYERS) {
    const games = GAMES.flatMap((name) => Array.from({ length: SEEDS }, (_, seed) => gameOf(valuesOf(name, players, `${seed}`), players)));
    for (const budget of [...BUDGETS.filter((some) => some < PART * 2 ** players), Math.floor(PART * 2 ** players)]) {
      const ours: Score[] = [];
      const peers: Score[] = [];
      for (const [seed, game] of games.entries()) {
        const estimate = await estimateShapley({ players, seed: `${seed}`, tolerance: 0, maxEvaluations: budget, value: async (members) => game.values[maskOf(members)]! });
        ours.push(scoreOf(estimate.values, game, estimate.standardErrors));
        peers.push(scoreOf(plainPermutations(game.values, { players, seed: `${seed}`, budget }), game));
      }
      note(row(players, budget, { ours, peers }));
      figures.push(...figuresOf(`shapley/${players}-players/${budget}`, ours, peers));
    }
  }
  return figures;
}

type Game = { readonly values: Float64Array; readonly exact: readonly number[] };

const gameOf = (values: Float64Array, players: number): Game => ({ values, exact: shapleyOfAll(values, players) });
const maskOf = (members: readonly number[]): number => members.reduce((mask, i) => mask | (1 << i), 0);

/** Mean marginals over as many whole random permutations as the budget of different coalitions covers. */
function plainPermutations(values: Float64Array, { players, seed, budget }: { players: number; seed: string; budget: number }): number[] {
  const random = new Random(`plain/${seed}`);
  const everyone = Array.from({ length: players }, (_, i) => i);
  const measured = new Set([0, values.length - 1]);
  const sums = everyone.map(() => 0);
  for (let permutations = 0; ; permutations++) {
    const order = random.shuffle(everyone);
    const prefixes = order.map((_, j) => maskOf(order.slice(0, j + 1)));
    const isNew = prefixes.filter((mask) => !measured.has(mask));
    if (measured.size + isNew.length > budget) return sums.map((sum) => sum / permutations);
    isNew.forEach((mask) => measured.add(mask));
    order.forEach((player, j) => (sums[player]! += values[prefixes[j]!]! - values[j === 0 ? 0 : prefixes[j - 1]!]!));
  }
}

function scoreOf(values: readonly number[], { exact }: Game, standardErrors: readonly number[] = []): Score {
  const total = exact.reduce((sum, phi) => sum + phi, 0);
  const errors = values.map((value, i) => value - exact[i]!);
  const squares = (of: readonly number[]): number => of.reduce((sum, x) => sum + x * x, 0);
  return { rank: rankCorrelation(values, exact), error: Math.max(...errors.map(Math.abs)) / total, calibration: squares(errors) / squares(standardErrors) };
}

/** Spearman's, of values that are all different. */
function rankCorrelation(some: readonly number[], others: readonly number[]): number {
  const ranksOf = (values: readonly number[]): number[] => values.map((value) => values.filter((other) => other < value).length);
  const ranks = ranksOf(others);
  const n = some.length;
  return 1 - (6 * ranksOf(some).reduce((sum, rank, i) => sum + (rank - ranks[i]!) ** 2, 0)) / (n * (n * n - 1));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

type Scores = { readonly ours: readonly Score[]; readonly peers: readonly Score[] };

function row(players: number, budget: number, { ours, peers }: Scores): string {
  const ranks = [ours, peers].flatMap((scores) => [mean(scores.map(({ rank }) => rank)), Math.min(...scores.map(({ rank }) => rank))].map((x) => x.toFixed(3)));
  const errors = [ours, peers].flatMap((scores) => [mean(scores.map(({ error }) => error)), Math.max(...scores.map(({ error }) => error))].map((x) => x.toFixed(4)));
  const cells = [String(players), String(budget), ...ranks, ...errors, mean(ours.map(({ calibration }) => calibration)).toFixed(2)];
  return cells.map((cell, at) => cell.padStart([7, 12, 13, 7, 13, 7, 14, 8, 13, 8, 16][at]!)).join('');
}

function figuresOf(name: string, ours: readonly Score[], peers: readonly Score[]): Figure[] {
  const errors = [ours, peers].map((scores) => mean(scores.map(({ error }) => error)));
  return [
    figureOf({ name: `${name}/error`, unit: 'largest error, part of the total', ours: errors[0]!, peer: errors[1]!, peerName: 'plain permutations' }),
    figureOf({ name: `${name}/rank`, unit: 'rank correlation, the lowest', ours: Math.min(...ours.map(({ rank }) => rank)), peer: CLAIM, peerName: 'what is claimed' }),
  ];
}
