import { CHANNELS, CLIP_FRAMES } from '../music/apu/codes.ts';
import { Random } from '../protocol/random.ts';
import { drawPlan } from './plan.ts';
import { styleNamed } from './styles/styles.ts';

/** Adds up the surprise of what it draws. */
class SurprisedRandom extends Random {
  nats = 0;

  override int(n: number): number {
    this.nats += Math.log(n);
    return super.int(n);
  }

  override chance(p: number): boolean {
    const happens = super.chance(p);
    this.nats -= Math.log(happens ? p : 1 - p);
    return happens;
  }
}

/**
 * The loss, in nats per code, that a model has at most when it knows all about a style but its dice: the mean surprise
 * of what chance decides about a piece, spread over its codes. Choices that sound alike, or that the caption tells, make
 * the true floor lower.
 * @param plans how many pieces the mean is of
 * @throws {InvalidInput} when there is no such style
 */
export function entropyFloor(style: string, plans = 500): number {
  let nats = 0;
  for (let i = 0; i < plans; i++) {
    const random = new SurprisedRandom(`entropy-floor/${style}/${i}`);
    drawPlan(styleNamed(style), random);
    nats += random.nats;
  }
  return nats / plans / (CHANNELS.length * CLIP_FRAMES);
}
