import { Random } from '../protocol/random.ts';

/** How a code is drawn from a model's logits. */
export type Sampling = {
  /** 0: always the likeliest code. */
  readonly temperature: number;
  /** Only that many likeliest codes; 0, or more than there are: all. */
  readonly topK: number;
  /** Only the likeliest codes that together have this probability. None: all. */
  readonly topP?: number;
};

/** Whose token it is: the seed, and the clip, position and codebook that the draw is for. */
export type Draw = { readonly seed: string; readonly clip: number; readonly position: number; readonly codebook: number };

/** Scores are rounded to this step before anything is decided, so that an engine's last bits rarely change a code. */
export const SCORE_STEP = 2 ** -10;

/** Classifier-free guidance (Ho and Salimans 2022): unconditional + guidance · (conditional − unconditional). */
export function guide(conditional: ArrayLike<number>, unconditional: ArrayLike<number>, guidance: number): Float64Array {
  return Float64Array.from({ length: conditional.length }, (_, i) => unconditional[i]! + guidance * (conditional[i]! - unconditional[i]!));
}

export const roundScores = (scores: ArrayLike<number>): Float64Array => Float64Array.from(scores, (score) => Math.round(score / SCORE_STEP) * SCORE_STEP);

/**
 * Scores with temperature, then top-k, then top-p applied, in Hugging Face's order; −∞ is never drawn. Scores that equal
 * the k-th stay. A temperature of 0 leaves the scores as they are.
 */
export function warpScores(scores: ArrayLike<number>, { temperature, topK, topP }: Sampling): Float64Array {
  const warped = Float64Array.from(scores, (score) => (temperature === 0 ? score : score / temperature));
  if (topK > 0 && topK < warped.length) {
    const least = warped.toSorted()[warped.length - topK]!;
    warped.forEach((score, i) => (warped[i] = score < least ? -Infinity : score));
  }
  return topP === undefined ? warped : withinTopP(warped, topP);
}

/** Drops the unlikely codes whose probabilities sum to at most 1 − topP; the likeliest one always stays. */
function withinTopP(scores: Float64Array, topP: number): Float64Array {
  const rising = Array.from(scores.keys()).sort((i, j) => scores[i]! - scores[j]! || j - i);
  const highest = scores[rising.at(-1)!]!;
  const weights = scores.map((score) => Math.exp(score - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let below = 0;
  for (const i of rising.slice(0, -1)) {
    below += weights[i]! / total;
    if (below <= 1 - topP) scores[i] = -Infinity;
  }
  return scores;
}

/**
 * A code drawn from softmax(scores): the largest of scores + Gumbel noise, of a generator that belongs to this one draw,
 * so that it depends neither on the other clips of a batch nor on earlier codes but through the scores.
 */
export function drawCode(scores: ArrayLike<number>, sampling: Sampling, { seed, clip, position, codebook }: Draw): number {
  const warped = warpScores(roundScores(scores), sampling);
  if (sampling.temperature === 0) return largest(warped);
  const random = new Random(`${seed}/${clip}/${position}/${codebook}`);
  return largest(warped.map((score) => score - Math.log(-Math.log(uniform(random)))));
}

/** Uniform in (0, 1): neither end, whose logarithms are no numbers. */
const uniform = (random: Random): number => (random.next() + 0.5) / 2 ** 32;

/** The index of the largest value, the first of equal ones. */
function largest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
