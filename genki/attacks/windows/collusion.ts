import { Random } from '../../protocol/random.ts';
import { lengthOf, meanOf, spreadOf } from './spread.ts';
import { each, type WindowAttack } from './window-attack.ts';

/** The same vector from all, `reach` honest standard deviations from the honest mean in a random direction: a group that agrees better than the honest ones. */
export const collusion = (reach = 100): WindowAttack => (honest, faulty, seed) => {
  const random = new Random(`collusion/${seed}`);
  const mean = meanOf(honest);
  const direction = mean.map(() => random.normal());
  const step = (reach * spreadOf(honest)) / lengthOf(direction);
  return each(faulty, Float32Array.from(mean, (value, i) => value + step * direction[i]!));
};
