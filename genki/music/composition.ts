import { InvalidInput } from '../errors.ts';
import type { Codes } from './clip.ts';
import { type DecoderConfig, type LanguageConfig, padCode } from './config.ts';
import { delayedLength, delayOf, isCode, longestDelay } from './delay-pattern.ts';
import type { Sampling } from './sampling.ts';

/** How clips are made. `guidance` 1 takes the text as it is, at half the work; more follows it more closely. */
export type Composition = Sampling & {
  /** Of each clip, those of a start included. */
  readonly frames: number;
  readonly seed: string;
  readonly guidance: number;
  /** What the clips begin with, one a clip and all of one length, as Hugging Face continues a prompt of codes. Default: nothing. */
  readonly start?: readonly Start[];
  /** Where in a longer piece the clips begin, in frames: what is drawn depends on it. Default 0. */
  readonly offset?: number;
};

/** Called after each position with how many are done, of how many; what it throws ends the work. */
export type OnStep = (done: number, of: number) => void | Promise<void>;

/** `codes` of shape [numCodebooks, frames]. */
export type Start = { readonly codes: Codes; readonly frames: number };

/** A label that has yet to be drawn. */
export const OPEN = -1;

/**
 * The labels of clips before anything is drawn: codes where the start has them, padding where a codebook has no code, else OPEN.
 * @returns of each clip, shape [numCodebooks, delayedLength]
 */
export function startLabels(decoder: DecoderConfig, clips: number, { frames, start }: Composition): Int32Array[] {
  const length = delayedLength(frames, decoder);
  return Array.from({ length: clips }, (_, i) => {
    const { codes, frames: known } = start?.[i] ?? { codes: [], frames: 0 };
    return Int32Array.from({ length: decoder.numCodebooks * length }, (_label, at) => {
      const [k, position] = [Math.floor(at / length), at % length];
      const frame = position - delayOf(decoder, k);
      if (!isCode(decoder, { position, k, frames })) return padCode(decoder);
      return frame < known ? codes[k * known + frame]! : OPEN;
    });
  });
}

/** @throws {InvalidInput} naming what cannot be */
export function checkComposition({ decoder }: LanguageConfig, clips: number, composition: Composition): void {
  const { frames, guidance, temperature, topK, topP = 1, offset = 0, start } = composition;
  const most = decoder.maxPositions - longestDelay(decoder);
  if (!Number.isInteger(frames) || frames < 1 || frames > most) throw new InvalidInput(`Expected 1 to ${most} frames, got ${frames}`);
  if (!Number.isFinite(guidance)) throw new InvalidInput(`Expected a finite guidance, got ${guidance}`);
  if (!(temperature >= 0 && temperature < Infinity)) throw new InvalidInput(`Expected a temperature of 0 or more, got ${temperature}`);
  if (!Number.isInteger(topK) || topK < 0) throw new InvalidInput(`Expected topK to be 0 or a number of codes, got ${topK}`);
  if (!(topP > 0 && topP <= 1)) throw new InvalidInput(`Expected topP in (0, 1], got ${topP}`);
  if (!Number.isInteger(offset) || offset < 0) throw new InvalidInput(`Expected an offset of 0 frames or more, got ${offset}`);
  if (start !== undefined) checkStart(decoder, { clips, frames }, start);
}

/** @throws {InvalidInput} unless there is a start for each clip, of one length and shorter than it */
export function checkStart({ numCodebooks, vocabSize }: DecoderConfig, { clips, frames }: { clips: number; frames: number }, start: readonly Start[]): void {
  if (start.length !== clips) throw new InvalidInput(`Expected a start for each of ${clips} clips, got ${start.length}`);
  const known = start[0]?.frames ?? 0;
  start.forEach(({ codes, frames: own }, i) => {
    if (!Number.isInteger(own) || own < 0 || own >= frames) throw new InvalidInput(`Expected start ${i} to be shorter than the ${frames} frames of the clip, got ${own}`);
    if (own !== known) throw new InvalidInput(`Expected starts of one length, got ${known} and ${own} frames`);
    if (codes.length !== numCodebooks * own) throw new InvalidInput(`Expected start ${i} to have ${numCodebooks} codebooks of ${own} frames, got ${codes.length} codes`);
    const bad = codes.find((code) => code >= vocabSize);
    if (bad !== undefined) throw new InvalidInput(`Expected start ${i} to have codes below ${vocabSize}, got ${bad}`);
  });
}
