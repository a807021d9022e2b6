import { rate } from 'openskill';
import { checkMeasuredOnce, minerKey, unexpired, type Scored, type SinceEpoch } from './miner.ts';
import { known } from './policy.ts';

/** A miner's skill: normal with this mean and standard deviation, as of the last epoch in which it was measured. */
export type Rating = SinceEpoch & { readonly mu: number; readonly sigma: number };

/** Of a newcomer: an ordinal of 0. */
const NEWCOMER = { mu: 25, sigma: 25 / 3 } as const;
/** Nobody's skill is that far off; of much more the model overflows. */
export const MAX_MU = 500;

/**
 * Ratings after one more epoch, which is one game in which everybody measured is ranked by its score (Plackett–Luce model
 * of Weng and Lin 2011; `openskill` with its defaults: β 25/6, τ 25/300, κ 1e-4). Equal scores share a rank, and all at or
 * below 0 are one. An epoch in which fewer than two were measured, or nobody earned anything, is no game: what tells
 * nothing must not make a rating surer. Who is not measured keeps its rating until it expires.
 *
 * With equal scores a lower one is not always worth less: a rank lost tells more than a tie, and a surer rating may outweigh
 * a lower mean.
 *
 * @returns all entries, the measured ones first, each in the order given
 * @throws {InvalidInput} when the state is from this epoch or a later one, or a hotkey is measured twice
 */
export function rateEpoch(previous: readonly Rating[], measured: readonly Scored[], epoch: number, expiresAfter: number): Rating[] {
  checkMeasuredOnce(measured);
  const alive = unexpired(previous, epoch, expiresAfter);
  const before = measured.map((one): Rating => {
    const { mu, sigma } = alive.get(minerKey(one)) ?? NEWCOMER;
    return { competition: one.competition, hotkey: one.hotkey, registeredAt: one.registeredAt, mu, sigma, epoch };
  });
  measured.forEach((one) => alive.delete(minerKey(one)));
  return [...playGame(before, measured.map(({ value }) => Math.max(0, known(value, 0)))), ...alive.values()];
}

function playGame(players: readonly Rating[], scores: readonly number[]): readonly Rating[] {
  if (players.length < 2 || scores.every((score) => score === 0)) return players;
  const rank = scores.map((score) => 1 + scores.filter((other) => other > score).length);
  const after = rate(players.map(({ mu, sigma }) => [{ mu, sigma }]), { rank });
  return players.map((player, i) => ({ ...player, mu: Math.max(-MAX_MU, Math.min(MAX_MU, after[i]![0]!.mu)), sigma: after[i]![0]!.sigma }));
}

/** The skill that a miner has all but certainly: μ − 3σ. */
export const ordinalOf = ({ mu, sigma }: Rating): number => mu - 3 * sigma;
