import type { Measurement } from '../../../genki/incentive/policy.ts';
import { Random } from '../../../genki/protocol/random.ts';

export const sum = (weights: readonly number[]): number => weights.reduce((total, weight) => total + weight, 0);

const BATCHES = 4;
const BASE = Array.from({ length: BATCHES }, (_, k) => 3 + k / 10);
/** Of a coarse grid, so that two miners are often equal. */
const tenths = (random: Random, least: number, most: number): number => (10 * least + random.int(10 * (most - least) + 1)) / 10;

/** A miner with every measure there is, which gains that much alone, merged and by its direction. */
export function minerOf(gain: number, rest: Partial<Measurement> = {}): Measurement {
  const agreement = Math.max(-1, Math.min(1, gain));
  return { accepted: true, deltaLoss: gain, contribution: gain, losses: BASE.map((loss) => loss - gain), agreement, similarity: 0, quality: 0.5, diversity: 0.5, cosine: 0.3, distance: 5, ...rest };
}

/** Up to seven miners in commit order, the first with no earlier one to be alike; some did harm, some were not accepted. */
export function crowd(seed: string): Measurement[] {
  const random = new Random(`crowd ${seed}`);
  const n = 1 + random.int(7);
  const leader = random.int(2 * n); // half of the crowds have one
  return Array.from({ length: n }, (_, i) => {
    const gain = tenths(random, -1, 1);
    const luck = BASE.map(() => tenths(random, -1, 1) / 5);
    return minerOf(gain, {
      accepted: random.chance(0.85),
      leader: i === leader,
      losses: BASE.map((loss, k) => loss - gain + luck[k]!),
      similarity: i === 0 ? 0 : tenths(random, 0, 1),
      quality: tenths(random, 0, 1),
      diversity: tenths(random, 0, 1),
      cosine: tenths(random, -1, 1),
      distance: tenths(random, 0, 6),
    });
  });
}

const WILD = [NaN, Infinity, -Infinity, undefined, 0, -0, -1, 1, 2, 1e-308, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE] as const;
const measures = ['deltaLoss', 'contribution', 'similarity', 'quality', 'diversity', 'cosine', 'distance', 'agreement'] as const;

/** The same crowd, half of whose numbers are what no number should be. */
export function wildCrowd(seed: string): Measurement[] {
  const random = new Random(`wild ${seed}`);
  return crowd(seed).map((one) => ({
    ...one,
    ...Object.fromEntries(measures.filter(() => random.chance(0.5)).map((name) => [name, random.pick(WILD)])),
    losses: random.chance(0.2) ? undefined : one.losses!.slice(random.int(BATCHES)).map((loss) => (random.chance(0.3) ? (random.pick(WILD) ?? NaN) : loss)),
  }));
}

/** Less of everything that earns. */
export const worseThan = (one: Measurement, by: number): Measurement => ({
  ...one,
  deltaLoss: one.deltaLoss! - by,
  contribution: one.contribution! - by,
  agreement: Math.max(-1, one.agreement! - by),
  losses: one.losses!.map((loss) => loss + by),
  quality: Math.max(0, one.quality! - by),
  diversity: Math.max(0, one.diversity! - by),
  cosine: Math.max(-1, one.cosine! - by),
  distance: Math.max(0, one.distance! - by),
});

/** The base itself: nothing learned, whatever it sounds like. */
export const idle = (one: Measurement): Measurement => ({ ...one, deltaLoss: 0, contribution: 0, agreement: 0, losses: BASE });

/** One of two halves: half of what the whole learned, alone and merged; it goes the same way and sounds the same. */
export const half = (one: Measurement): Measurement => ({
  ...one,
  deltaLoss: one.deltaLoss! / 2,
  contribution: one.contribution! / 2,
  losses: one.losses!.map((loss, k) => (loss + BASE[k]!) / 2),
});

/** Nothing could be measured of it. */
export const unknown = (one: Measurement): Measurement => ({ ...one, deltaLoss: NaN, contribution: NaN, agreement: NaN, losses: [], quality: NaN, diversity: NaN, cosine: NaN, distance: NaN });
