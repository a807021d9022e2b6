import { InvalidInput } from '../errors.ts';
import { lossByStyle, type HoldOut, type Losses } from './held-out.ts';

/** Nats per code: so close to its floor a style's differences are mostly chance. */
const LEAST_ROOM = 0.1;

/**
 * How much of what could be learned a model has learned, the mean over the learned styles:
 *
 *     v = 1/G Σ_g clip((base_g − loss_g) / (base_g − floor_g), −1, 1)
 *
 * Every style counts alike, so a quiet one is not starved, and none can count more than all of itself. A style that the
 * base plays at its floor already has nothing to be learned and counts 0.
 *
 * @returns in [−1, 1]; 0 is the base, 1 the floor everywhere
 * @throws {InvalidInput} when the hold-out has no clips of a style, or the base has no finite loss on it
 */
export function relativeGain(base: Losses, losses: Losses, holdOut: HoldOut): number {
  const gains = Object.values(relativeGains(base, losses, holdOut));
  return gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
}

/** The same from each style's mean loss, summed in the order of their names. */
export function meanRelativeGain(base: Readonly<Record<string, number>>, losses: Readonly<Record<string, number>>, floors: Readonly<Record<string, number>>): number {
  const gains = Object.keys(floors).sort().map((style) => gainOf(style, base[style], losses[style], floors[style]!));
  return gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
}

/** The relative gain of each learned style, in [−1, 1]. */
export function relativeGains(base: Losses, losses: Losses, { styles, floors }: HoldOut): Record<string, number> {
  if (Object.keys(floors).length === 0) throw new InvalidInput('Expected held-out clips of at least one style, got none');
  const before = lossByStyle(base, styles);
  const after = lossByStyle(losses, styles);
  return Object.fromEntries(Object.entries(floors).map(([style, floor]) => [style, gainOf(style, before[style], after[style], floor)]));
}

function gainOf(style: string, before: number | undefined, after: number | undefined, floor: number): number {
  if (before === undefined || after === undefined) throw new InvalidInput(`Expected held-out clips of style ${style}, got none`);
  if (!Number.isFinite(before)) throw new InvalidInput(`Expected a finite loss of the base on style ${style}, got ${before}`);
  const room = before - floor;
  if (!(room > 0)) return 0;
  return Math.min(1, Math.max(-1, (before - after) / room));
}

/**
 * What is left to learn of each style: the unit that makes a paired gain relative. At least 0.1, lest one style that is
 * nearly learned drowns all others in its noise.
 * @returns style -> nats per code
 */
export function roomToLearn(base: Losses, { styles, floors }: HoldOut): Record<string, number> {
  const before = lossByStyle(base, styles);
  return Object.fromEntries(Object.entries(floors).map(([style, floor]) => [style, Math.max(LEAST_ROOM, (before[style] ?? 0) - floor)]));
}
