import { InvalidInput } from '../genki/errors.ts';
import type { Competition } from '../genki/protocol/competition.ts';
import { windowOf, windowSchedule, type WindowSchedule, type WindowTiming } from '../genki/protocol/window.ts';

export type Delta = NonNullable<Competition['delta']>;

/** @throws {InvalidInput} when the competition exchanges something else than updates */
export function deltaOf({ delta, exchange, id }: Competition): Delta {
  if (delta) return delta;
  throw new InvalidInput(`Expected a competition of delta windows, got ${id}, whose exchange is ${exchange}`);
}

export const windowTimingOf = (competition: Competition): WindowTiming => ({ windowBlocks: competition.timing.windowBlocks, ...deltaOf(competition).timing });

export const scheduleOf = (competition: Competition, window: number): WindowSchedule => windowSchedule(window, windowTimingOf(competition));

/** The first window that lies in the competition as a whole: before it the model is the one that the competition began with. */
export function firstWindow({ activationBlock, timing: { windowBlocks } }: Competition): number {
  const window = windowOf(activationBlock, windowBlocks);
  return activationBlock % windowBlocks === 0 ? window : window + 1;
}
