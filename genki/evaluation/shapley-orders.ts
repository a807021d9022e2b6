import { Random } from '../protocol/random.ts';

/**
 * Orders in which players may join, without end, each as likely as any other and meant to be walked in both directions.
 * They come in Latin squares: the orders of one, n/2 of them or n where n is odd, and their reverses bring every player to
 * every position equally often (guided sampling, Liu et al. 2022, arXiv 2109.02053, made exact and extended from the first
 * position to all).
 */
export function* balancedOrders(players: number, seed: string): Generator<number[], never> {
  const random = new Random(seed);
  const everyone = Array.from({ length: players }, (_, i) => i);
  const isEven = players % 2 === 0;
  for (;;) {
    const names = random.shuffle(everyone);
    const places = isEven ? mirroredPlaces(players / 2, random) : random.shuffle(everyone);
    for (const row of random.shuffle(everyone.slice(0, isEven ? players / 2 : players))) {
      yield places.map((place) => names[(place + row) % players]!);
    }
  }
}

/** A permutation of 2 half places in which opposite positions are `half` apart, so that a row's reverse is the row that is `half` further on. */
function mirroredPlaces(half: number, random: Random): number[] {
  const places = Array.from({ length: 2 * half }, () => 0);
  random.shuffle(Array.from({ length: half }, (_, i) => i)).forEach((place, at) => {
    const isAhead = random.chance(0.5);
    places[at] = isAhead ? place + half : place;
    places[2 * half - 1 - at] = isAhead ? place : place + half;
  });
  return places;
}
