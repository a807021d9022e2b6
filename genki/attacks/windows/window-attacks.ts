import { aLittleIsEnough } from './a-little-is-enough.ts';
import { collusion } from './collusion.ts';
import { gaussianNoise } from './gaussian-noise.ts';
import { innerProductManipulation } from './inner-product-manipulation.ts';
import { minMax } from './min-max.ts';
import { scaling } from './scaling.ts';
import { signFlip } from './sign-flip.ts';
import type { WindowAttack } from './window-attack.ts';

/** The attacks on a window's aggregate, by name, with the strengths that the tables are made with. */
export const WINDOW_ATTACKS: Readonly<Record<string, WindowAttack>> = {
  'sign flip': signFlip,
  scaling: scaling(),
  noise: gaussianNoise(),
  collusion: collusion(),
  'inner product': innerProductManipulation(),
  'inner product ×100': innerProductManipulation(100),
  'a little is enough': aLittleIsEnough,
  'min-max': minMax,
};
