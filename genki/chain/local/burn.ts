import type { Genesis } from './genesis.ts';

/** The price of a registration, in rao: it rises with each one and halves every `halfLife` blocks, between two bounds. */

/** At the start of a block. */
export function burnAfterBlock(burn: bigint, { burn: rules }: Genesis): bigint {
  return bounded(rules.halfLife > 0 ? timesQ32(burn, decayFactor(rules.halfLife)) : burn, rules);
}

/** After a registration, within the same block. */
export const burnAfterRegistration = (burn: bigint, { burn: rules }: Genesis): bigint => bounded((burn * BigInt(rules.increasePpm)) / 1_000_000n, rules);

function bounded(burn: bigint, { min, max }: Genesis['burn']): bigint {
  if (burn < BigInt(min)) return BigInt(min);
  return burn > BigInt(max) ? BigInt(max) : burn;
}

const ONE = 1n << 32n;

const timesQ32 = (value: bigint, factor: bigint): bigint => (value * factor) >> 32n;

function powQ32(base: bigint, exponent: number): bigint {
  let result = ONE;
  for (let power = exponent, factor = base; power > 0; power = Math.floor(power / 2), factor = timesQ32(factor, factor)) {
    if (power % 2 === 1) result = timesQ32(result, factor);
  }
  return result;
}

/** A pure function's results, since each costs a bisection. */
const factors = new Map<number, bigint>();

/** The f with f^halfLife = 1/2, in Q32, rounded as the runtime's `decay_factor_q32` finds it. */
function decayFactor(halfLife: number): bigint {
  const known = factors.get(halfLife);
  if (known !== undefined) return known;
  let low = 0n;
  let high = ONE;
  while (low + 1n < high) {
    const middle = low + ((high - low) >> 1n);
    if (powQ32(middle, halfLife) > ONE / 2n) high = middle;
    else low = middle;
  }
  factors.set(halfLife, low);
  return low;
}
