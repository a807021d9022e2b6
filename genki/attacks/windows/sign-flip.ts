import type { WindowAttack } from './window-attack.ts';

/** The opposite of what honest peers have learned: no norm shows it. */
export const signFlip: WindowAttack = (honest, faulty) => Array.from({ length: faulty }, (_, i) => honest[i % honest.length]!.map((value) => -value));
