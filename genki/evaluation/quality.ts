import { InvalidInput } from '../errors.ts';
import { anchored, type Anchors } from './anchors.ts';

/** What a prompt says and what was played for it, as one embedder embeds them. */
export type PromptPair = {
  /** Of the prompt in its round, from 0. */
  readonly prompt: number;
  readonly text: Float32Array;
  readonly audio: Float32Array;
};

export type Quality = {
  /** Mean over the prompts, −1 … 1. */
  readonly cosine: number;
  /** Of that mean. One prompt tells nothing of it: then 1, the most by which a mean of two cosines can err. */
  readonly standardError: number;
  /** In the order of the pairs. */
  readonly perPrompt: readonly { readonly prompt: number; readonly cosine: number }[];
  /** The mean between its anchors, 0 … 1; where they were given. */
  readonly anchored?: number;
};

/** Added to each norm, so that an embedding of nothing fits nothing: cosine 0. */
const EPSILON = 1e-8;

/**
 * How well clips fit their prompts (protocol §3.12), each compared with its own alone, in float64:
 *
 *     cos = ⟨text, audio⟩ / ((‖text‖ + 1e-8) (‖audio‖ + 1e-8))
 *
 * @param pairs in any order, each prompt once; lengths of the embeddings do not matter
 * @throws {InvalidInput} for no pair, a prompt that comes twice or has no text or audio, embeddings of different widths, or
 *   ones that are empty or hold what is no number; {RangeError} for anchors that are none
 */
export function quality(pairs: readonly PromptPair[], anchors?: Anchors): Quality {
  if (pairs.length === 0) throw new InvalidInput('Expected at least one prompt with its clip, got none');
  checkPairs(pairs);
  const perPrompt = pairs.map(({ prompt, text, audio }) => ({ prompt, cosine: dot(text, audio) / ((norm(text) + EPSILON) * (norm(audio) + EPSILON)) }));
  const cosine = perPrompt.reduce((sum, one) => sum + one.cosine, 0) / perPrompt.length;
  const squares = perPrompt.reduce((sum, one) => sum + (one.cosine - cosine) ** 2, 0);
  const standardError = perPrompt.length === 1 ? 1 : Math.sqrt(squares / (perPrompt.length - 1) / perPrompt.length);
  return { cosine, standardError, perPrompt, ...(anchors && { anchored: anchored(cosine, anchors) }) };
}

/**
 * The pairs of embeddings that stand in the order of the prompts.
 * @throws {InvalidInput} when there are not as many clips as prompts: nobody could say which belongs to which
 */
export function pairInOrder(texts: readonly Float32Array[], clips: readonly Float32Array[]): PromptPair[] {
  if (texts.length !== clips.length) throw new InvalidInput(`Expected a clip for each of ${texts.length} prompts, got ${clips.length}`);
  return texts.map((text, prompt) => ({ prompt, text, audio: clips[prompt]! }));
}

function checkPairs(pairs: readonly PromptPair[]): void {
  const width = pairs[0]!.text?.length;
  const seen = new Set<number>();
  for (const { prompt, text, audio } of pairs) {
    if (!Number.isSafeInteger(prompt) || prompt < 0) throw new InvalidInput(`Expected a prompt's number, got ${prompt}`);
    if (seen.has(prompt)) throw new InvalidInput(`Expected each prompt once, got prompt ${prompt} twice`);
    seen.add(prompt);
    checkEmbedding(text, width, `the text of prompt ${prompt}`);
    checkEmbedding(audio, width, `the audio of prompt ${prompt}`);
  }
}

function checkEmbedding(embedding: Float32Array | undefined, width: number | undefined, what: string): void {
  if (embedding === undefined || embedding.length === 0) throw new InvalidInput(`Expected an embedding of ${what}, got none`);
  if (embedding.length !== width) throw new InvalidInput(`Expected the embedding of ${what} to have ${width} numbers as the first, got ${embedding.length}`);
  if (!embedding.every(Number.isFinite)) throw new InvalidInput(`Expected the embedding of ${what} to hold numbers, got ${embedding.find((x) => !Number.isFinite(x))}`);
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, d) => sum + x * b[d]!, 0);
const norm = (a: Float32Array): number => Math.sqrt(dot(a, a));
