import { InvalidInput } from '../errors.ts';

/**
 * From this likeness on what a submission plays counts as a copy. A miner sounds like another of its style, and on what both
 * know nearly like any other; the same sampling noise makes the same clips only of models that are the same in all but
 * name, and a single other code early in a clip makes another piece of it.
 */
export const COPY_OUTPUTS = 0.95;

/** Prompts that must be left to tell copies by: two pieces may coincide. */
const LEAST_PROMPTS = 2;

export type OutputAnchors = {
  /** Mean cosine of two independent pieces for one caption: the round's own measure. */
  readonly floor: number;
  /** What the Dama plays that all were trained from: a prompt that one of both plays like it, as who has learned nothing for it does, tells nothing of who copied whom. */
  readonly base?: readonly (Float32Array | undefined)[];
};

/**
 * How alike two submissions sound, from the embeddings of what they play for the same prompts with the same sampling noise:
 *
 *     (mean cosine − floor) / (1 − floor), cut to [0, 1]
 *
 * @param a embedding of each prompt's clip, shape [prompts][dimensions], of any length but 0
 * @returns 0 for what two independent pieces for one caption have, 1 for the same; 0 where fewer than two prompts tell anything
 * @throws {InvalidInput} naming the prompt that one of them lacks, or that has no direction; {RangeError} for a floor that is none
 */
export function outputSimilarity(a: readonly (Float32Array | undefined)[], b: readonly (Float32Array | undefined)[], { floor, base }: OutputAnchors): number {
  if (!(floor >= -1 && floor < 1)) throw new RangeError(`Expected a floor from −1 to below 1, got ${floor}`);
  const prompts = Math.max(a.length, b.length, base?.length ?? 0);
  const cosines: number[] = [];
  for (let prompt = 0; prompt < prompts; prompt++) {
    const own = [a, b].map((clips) => clipOf(clips, prompt));
    const known = base ? own.some((clip) => anchored(cosine(clip, clipOf(base, prompt), prompt), floor) >= COPY_OUTPUTS) : false;
    if (!known) cosines.push(cosine(own[0]!, own[1]!, prompt));
  }
  if (cosines.length < LEAST_PROMPTS) return 0;
  return anchored(cosines.reduce((sum, one) => sum + one, 0) / cosines.length, floor);
}

const anchored = (value: number, floor: number): number => Math.min(1, Math.max(0, (value - floor) / (1 - floor)));

function clipOf(clips: readonly (Float32Array | undefined)[], prompt: number): Float32Array {
  const clip = clips[prompt];
  if (!clip) throw new InvalidInput(`Expected a clip of prompt ${prompt} from both, got one of one only`);
  return clip;
}

function cosine(a: Float32Array, b: Float32Array, prompt: number): number {
  if (a.length !== b.length) throw new InvalidInput(`Expected embeddings of one width for prompt ${prompt}, got ${a.length} and ${b.length}`);
  let [product, one, other] = [0, 0, 0];
  for (let d = 0; d < a.length; d++) {
    product += a[d]! * b[d]!;
    one += a[d]! ** 2;
    other += b[d]! ** 2;
  }
  const value = product / Math.sqrt(one) / Math.sqrt(other);
  if (!Number.isFinite(value)) throw new InvalidInput(`Expected embeddings with a direction for prompt ${prompt}, got none`);
  return value;
}
