import { Random } from '../../protocol/random.ts';
import { lengthOf, meanOf } from './spread.ts';
import type { WindowAttack } from './window-attack.ts';

/** Noise of its own from each, `factor` times as long as the honest mean (Blanchard et al. 2017, section 6). */
export const gaussianNoise = (factor = 100): WindowAttack => (honest, faulty, seed) => {
  const random = new Random(`gaussian-noise/${seed}`);
  const mean = meanOf(honest);
  const deviation = (factor * lengthOf(mean)) / Math.sqrt(mean.length);
  return Array.from({ length: faulty }, () => Float32Array.from(mean, () => deviation * random.normal()));
};
