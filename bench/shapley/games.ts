import { Random } from '../../genki/protocol/random.ts';

/**
 * What a coalition's merge is worth when its members have learned a thing or two: `saturating`: each style is learned ever
 * more slowly; `overshooting`: beyond four fifths of the way of all together it gets worse again; `tangled`: saturating,
 * and any 2 to 4 of them may help or harm each other in some style.
 */
export const GAMES = ['saturating', 'overshooting', 'tangled'] as const;
export type GameName = (typeof GAMES)[number];

const STYLES = 5;
/** Length of what an update does beside its style: it adds up as vectors do, and is punished by its square. */
const WASTE = 8;
/** Of two measurements of one merge on different clips. */
const NOISE = 0.001;

/** Sums over a coalition's members. */
type Sums = { readonly moves: Float64Array; readonly waste: Float64Array };

/** v of all coalitions by bit mask, shape [2^players], about 0 to 1. */
export function valuesOf(name: GameName, players: number, seed: string): Float64Array {
  const random = new Random(`bench-shapley/${name}/${players}/${seed}`);
  const moves = Array.from({ length: players }, () => movesOf(random));
  const waste = Array.from({ length: players }, () => {
    const size = 0.3 + 0.7 * random.float();
    return Float64Array.from({ length: WASTE }, () => size * random.normal());
  });
  const everyone = moves.reduce((sum, move) => sum.map((x, g) => x + move[g]!), new Float64Array(STYLES));
  const knots = name === 'tangled' ? Array.from({ length: 3 * players }, () => knotOf(players, random)) : [];
  const values = new Float64Array(2 ** players);
  const fill = (mask: number, from: number, sums: Sums): void => {
    values[mask] = worth(name, sums, { everyone, knots, mask }) + (mask === 0 ? 0 : NOISE * random.normal());
    for (let i = from; i < players; i++) fill(mask | (1 << i), i + 1, { moves: sums.moves.map((x, g) => x + moves[i]![g]!), waste: sums.waste.map((x, d) => x + waste[i]![d]!) });
  };
  fill(0, 0, { moves: new Float64Array(STYLES), waste: new Float64Array(WASTE) });
  return values;
}

/** Much of one style, a little of each. */
function movesOf(random: Random): Float64Array {
  const own = random.int(STYLES);
  return Float64Array.from({ length: STYLES }, (_, g) => 0.04 * Math.abs(random.normal()) + (g === own ? 0.15 + 0.75 * random.float() : 0));
}

type Knot = { readonly members: number; readonly style: number; readonly effect: number };

function knotOf(players: number, random: Random): Knot {
  const members = random.shuffle(Array.from({ length: players }, (_, i) => i)).slice(0, 2 + random.int(3)).reduce((mask, i) => mask | (1 << i), 0);
  return { members, style: random.int(STYLES), effect: 0.03 * random.normal() };
}

function worth(name: GameName, { moves, waste }: Sums, { everyone, knots, mask }: { everyone: Float64Array; knots: readonly Knot[]; mask: number }): number {
  let length = 0;
  for (const x of waste) length += x * x;
  const gains = moves.map((x, g) => (name === 'overshooting' ? 1 - (1 - x / (0.8 * everyone[g]!)) ** 2 : 1 - Math.exp(-1.2 * x)) - (0.004 * length) / WASTE);
  for (const { members, style, effect } of knots) if ((mask & members) === members) gains[style]! += effect;
  return gains.reduce((sum, gain) => sum + Math.min(1, Math.max(-1, gain)), 0) / STYLES;
}
