import { InvalidInput } from '../errors.ts';
import { known, shares } from './policy.ts';

/** A miner is a hotkey since one registration: who registers anew starts anew, also under the same uid. */
export type Miner = { readonly competition: string; readonly hotkey: string; readonly registeredAt: number };

/** A miner's averaged score as of the last epoch in which it was measured. */
export type Score = Miner & { readonly value: number; readonly epoch: number };

export type AverageParameters = {
  /** Part of the new measurement in the average, in (0, 1]; 1 forgets the past. */
  readonly rate: number;
  /** A score that was not renewed for more than this many epochs is forgotten. */
  readonly expiresAfter: number;
};

/**
 * Scores after one more epoch: rate · new + (1 − rate) · old for who was measured, the measurement itself for a newcomer
 * and for who comes back after its score expired. A miner that was not measured keeps its entry until it expires, but has
 * no score in this epoch.
 *
 * @returns all entries, the measured ones first, each in the order given
 * @throws {InvalidInput} when the state is from this epoch or a later one, or a miner is measured twice
 */
export function averageScores(previous: readonly Score[], measured: readonly (Miner & { readonly value: number })[], epoch: number, { rate, expiresAfter }: AverageParameters): Score[] {
  if (!(rate > 0 && rate <= 1)) throw new RangeError(`Expected a rate in (0, 1], got ${rate}`);
  const newer = previous.find((score) => score.epoch >= epoch);
  if (newer) throw new InvalidInput(`Expected scores from before epoch ${epoch}, got one from epoch ${newer.epoch}`);

  const alive = new Map(previous.filter((score) => epoch - score.epoch <= expiresAfter).map((score) => [keyOf(score), score]));
  const updated = new Map<string, Score>();
  for (const { competition, hotkey, registeredAt, value: measurement } of measured) {
    const key = keyOf({ competition, hotkey, registeredAt });
    if (updated.has(key)) throw new InvalidInput(`Expected one measurement of ${hotkey}, got two`);
    const old = alive.get(key)?.value;
    const now = known(measurement, 0);
    updated.set(key, { competition, hotkey, registeredAt, value: old === undefined ? now : rate * now + (1 - rate) * old, epoch });
    alive.delete(key);
  }
  return [...updated.values(), ...alive.values()];
}

/** The epoch's weights: shares of the scores renewed in it, by hotkey; who was not measured has none. */
export function epochWeights(scores: readonly Score[], competition: string, epoch: number): Map<string, number> {
  const current = scores.filter((score) => score.competition === competition && score.epoch === epoch);
  const weights = shares(current.map(({ value }) => value));
  return new Map(current.map(({ hotkey }, i) => [hotkey, weights[i]!]));
}

const keyOf = ({ competition, hotkey, registeredAt }: Miner): string => JSON.stringify([competition, hotkey, registeredAt]);
