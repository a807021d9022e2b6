import { InvalidInput } from '../errors.ts';

/** A miner is a hotkey since one registration: who registers anew starts anew, also under the same uid. */
export type Miner = { readonly competition: string; readonly hotkey: string; readonly registeredAt: number };

/** What a miner earned in one epoch, in [−1, 1]; a number that is not one counts as 0. */
export type Scored = Miner & { readonly value: number };

/** Something that is carried from epoch to epoch, as of the last one in which its miner was measured. */
export type SinceEpoch = Miner & { readonly epoch: number };

export const minerKey = ({ competition, hotkey, registeredAt }: Miner): string => JSON.stringify([competition, hotkey, registeredAt]);

/**
 * What the epochs before left, by miner, without what was not renewed for more than `expiresAfter` epochs.
 * @throws {InvalidInput} when any of it is from this epoch or a later one
 */
export function unexpired<T extends SinceEpoch>(previous: readonly T[], epoch: number, expiresAfter: number): Map<string, T> {
  if (!(Number.isInteger(expiresAfter) && expiresAfter >= 1)) throw new RangeError(`Expected a score to expire after 1 epoch or more, got ${expiresAfter}`);
  const newer = previous.find((one) => one.epoch >= epoch);
  if (newer) throw new InvalidInput(`Expected scores from before epoch ${epoch}, got one from epoch ${newer.epoch}`);
  return new Map(previous.filter((one) => epoch - one.epoch <= expiresAfter).map((one) => [minerKey(one), one]));
}

/** @throws {InvalidInput} when a hotkey is measured twice in one competition */
export function checkMeasuredOnce(measured: readonly Miner[]): void {
  const seen = new Set<string>();
  for (const { competition, hotkey } of measured) {
    const key = JSON.stringify([competition, hotkey]);
    if (seen.has(key)) throw new InvalidInput(`Expected one measurement of ${hotkey}, got two`);
    seen.add(key);
  }
}
