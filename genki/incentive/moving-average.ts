import { checkMeasuredOnce, minerKey, unexpired, type Scored, type SinceEpoch } from './miner.ts';
import { known } from './policy.ts';

/** A miner's averaged score as of the last epoch in which it was measured. */
export type Score = SinceEpoch & Scored;

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
 * @throws {InvalidInput} when the state is from this epoch or a later one, or a hotkey is measured twice
 */
export function averageScores(previous: readonly Score[], measured: readonly Scored[], epoch: number, { rate, expiresAfter }: AverageParameters): Score[] {
  if (!(rate > 0 && rate <= 1)) throw new RangeError(`Expected a rate in (0, 1], got ${rate}`);
  checkMeasuredOnce(measured);
  const alive = unexpired(previous, epoch, expiresAfter);
  const updated = measured.map((one): Score => {
    const now = known(one.value, 0);
    const old = alive.get(minerKey(one))?.value;
    return { competition: one.competition, hotkey: one.hotkey, registeredAt: one.registeredAt, value: old === undefined ? now : rate * now + (1 - rate) * known(old, 0), epoch };
  });
  measured.forEach((one) => alive.delete(minerKey(one)));
  return [...updated, ...alive.values()];
}
