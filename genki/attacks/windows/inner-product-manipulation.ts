import { meanOf } from './spread.ts';
import { each, type WindowAttack } from './window-attack.ts';

/**
 * −ε times the honest mean from all (Xie, Koyejo and Gupta 2020, section 3): with a small ε it hides among the honest ones, yet
 * the aggregate's inner product with the honest mean may become negative, and training goes up the hill.
 */
export const innerProductManipulation = (epsilon = 0.5): WindowAttack => (honest, faulty) => each(faulty, Float32Array.from(meanOf(honest), (value) => -epsilon * value));
