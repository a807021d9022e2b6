import type { WindowAttack } from './window-attack.ts';

/** Honest updates, so many times too long, that the mean is what the attacker wants (Bagdasaryan et al. 2020, section 3.2). The clip to the median norm takes that back. */
export const scaling = (factor = 100): WindowAttack => (honest, faulty) => Array.from({ length: faulty }, (_, i) => honest[i % honest.length]!.map((value) => value * factor));
