import { Random } from '../protocol/random.ts';
import { kthLargest, largest } from './selection.ts';

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
  const guided = new Float64Array(conditional.length);
  for (let i = 0; i < guided.length; i++) guided[i] = unconditional[i]! + guidance * (conditional[i]! - unconditional[i]!);
  return guided;
}

export function roundScores(scores: ArrayLike<number>): Float64Array {
  const rounded = new Float64Array(scores.length);
  for (let i = 0; i < rounded.length; i++) rounded[i] = Math.round(scores[i]! / SCORE_STEP) * SCORE_STEP;
  return rounded;
}

/**
 * Scores with temperature, then top-k, then top-p applied, in Hugging Face's order; −∞ is never drawn. Scores that equal
 * the k-th stay. A temperature of 0 leaves the scores as they are.
 */
export function warpScores(scores: ArrayLike<number>, { temperature, topK, topP }: Sampling): Float64Array {
  const warped = new Float64Array(scores);
  if (temperature !== 0) for (let i = 0; i < warped.length; i++) warped[i]! /= temperature;
  if (topK > 0 && topK < warped.length) {
    const least = kthLargest(warped, topK);
    for (let i = 0; i < warped.length; i++) if (warped[i]! < least) warped[i] = -Infinity;
  }
  if (topP !== undefined && topP < 1) dropBeyondTopP(warped, topP);
  return warped;
}

/** Drops the unlikely codes whose probabilities sum to at most 1 − topP, of equal ones the last first; the likeliest one always stays. */
function dropBeyondTopP(scores: Float64Array, topP: number): void {
  const possible = scores.filter((score) => score !== -Infinity).sort();
  const highest = possible.at(-1)!;
  let total = 0;
  for (const score of scores) total += Math.exp(score - highest);
  let below = 0;
  let dropped = 0;
  while (dropped < possible.length - 1) {
    below += Math.exp(possible[dropped]! - highest) / total;
    if (below > 1 - topP) break;
    dropped++;
  }
  if (dropped === 0) return;
  const edge = possible[dropped - 1]!;
  let atEdge = dropped - possible.indexOf(edge);
  for (let i = scores.length - 1; i >= 0; i--) {
    if (scores[i]! < edge || (scores[i] === edge && atEdge-- > 0)) scores[i] = -Infinity;
  }
}

/**
 * A code drawn from softmax(scores): the largest of scores + Gumbel noise, of a generator that belongs to this one draw,
 * so that it depends neither on the other clips of a batch nor on earlier codes but through the scores.
 */
export function drawCode(scores: ArrayLike<number>, sampling: Sampling, { seed, clip, position, codebook }: Draw): number {
  const warped = warpScores(roundScores(scores), sampling);
  if (sampling.temperature !== 0) addGumbelNoise(warped, new Random(`${seed}/${clip}/${position}/${codebook}`));
  return largest(warped);
}

/** A uniform number in (0, 1) is drawn for every score, whether it can still be chosen or not. */
function addGumbelNoise(scores: Float64Array, random: Random): void {
  for (let i = 0; i < scores.length; i++) {
    const uniform = (random.next() + 0.5) / 2 ** 32;
    if (scores[i] !== -Infinity) scores[i]! -= Math.log(-Math.log(uniform));
  }
}
