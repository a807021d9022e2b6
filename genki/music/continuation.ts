import { InvalidInput } from '../errors.ts';
import { type Codes, newCodes } from './clip.ts';
import { checkStart, type Composition, type OnStep, type Start } from './composition.ts';
import type { LanguageConfig } from './config.ts';
import { longestDelay } from './delay-pattern.ts';
import type { Generator } from './generator.ts';
import type { TextBatch } from './text.ts';

/** How music longer than a model hears at once is made: in windows of so many frames, each begun `stride` frames after the last. */
export type Windows = { readonly window: number; readonly stride: number };

/** audiocraft's: 30 s every 18 s, so that the last 12 s are always heard; of a model that hears less, all of that in the same proportion. */
export function windowsOf({ decoder }: LanguageConfig, frameRate: number): Windows {
  const window = Math.min(Math.round(30 * frameRate), decoder.maxPositions - longestDelay(decoder));
  return { window, stride: Math.max(1, Math.round(0.6 * window)) };
}

/** Frames `from` up to `to` of a piece, of which the first `known` are there when it is begun. */
export type Window = { readonly from: number; readonly to: number; readonly known: number };

/**
 * The windows of a piece, in order: each one after the first begins with the last `window − stride` frames of the one before.
 * @param known frames that are there from the beginning
 * @throws {InvalidInput} when there is nothing to add, or a window would have nothing to go on from
 */
export function planWindows({ frames, known }: { frames: number; known: number }, { window, stride }: Windows): Window[] {
  if (!Number.isInteger(window) || window < 1) throw new InvalidInput(`Expected a window of 1 frame or more, got ${window}`);
  if (!Number.isInteger(frames) || frames <= known) throw new InvalidInput(`Expected more frames than the ${known} that are there, got ${frames}`);
  if (frames > window && !(Number.isInteger(stride) && stride >= 1 && stride < window)) throw new InvalidInput(`Expected a stride of 1 to ${window - 1} frames, got ${stride}`);
  const windows: Window[] = [];
  let [from, done] = [known < window ? 0 : known - (window - stride), known];
  while (done < frames) {
    const to = Math.min(from + window, frames);
    windows.push({ from, to, known: done - from });
    [from, done] = [from + stride, to];
  }
  return windows;
}

export type LongComposition = Composition & {
  readonly windows: Windows;
  /** The melody that every clip follows (see `melodyFrom`), by the frame of the whole piece at which a window begins; in place of the text's. */
  readonly melodyAt?: (frame: number) => Float32Array;
};

/**
 * One clip per row of a text, of any length. Within one window it is what `generateFrom` gives; beyond, a code depends on
 * the seed, the clip, its place in the whole piece, and the window's codes before it.
 * @returns codes of shape [numCodebooks, frames]
 * @param onStep is told of windows, in parts of one
 * @throws {InvalidInput} naming what cannot be
 */
export async function generateLong({ generator, text }: { generator: Generator; text: TextBatch }, { windows, melodyAt, ...composition }: LongComposition, onStep: OnStep = () => {}): Promise<Codes[]> {
  const { numCodebooks, vocabSize } = generator.config.decoder;
  const { frames, start = [], offset = 0 } = composition;
  const plan = planWindows({ frames, known: start[0]?.frames ?? 0 }, windows);
  if (plan.length > 1 && melodyAt === undefined && text.melodies?.some((melody) => melody !== undefined)) throw new InvalidInput('Expected a melody for each window of a longer piece, got one for the first');
  const pieces = Array.from({ length: text.rows }, () => newCodes(vocabSize, numCodebooks * frames));
  if (composition.start !== undefined) checkStart(generator.config.decoder, { clips: text.rows, frames }, start);
  start.forEach((given, i) => paste(pieces[i]!, frames, { ...given, at: 0 }));
  let done = 0;
  for (const { from, to, known } of plan) {
    const heard = pieces.map((codes): Start => ({ codes: cut(codes, frames, { from, to: from + known }), frames: known }));
    const clips = await generator.generateFrom(melodyAt === undefined ? text : { ...text, melodies: pieces.map(() => melodyAt(offset + from)) }, { ...composition, frames: to - from, offset: offset + from, start: heard }, (steps, of) => onStep(done + steps / of, plan.length));
    done++;
    clips.forEach((codes, i) => paste(pieces[i]!, frames, { codes, frames: to - from, at: from }));
  }
  return pieces;
}

/** Of a piece of shape [numCodebooks, frames]. */
function cut(piece: Codes, frames: number, { from, to }: { from: number; to: number }): Codes {
  return piece.filter((_code, i) => i % frames >= from && i % frames < to);
}

function paste(piece: Codes, frames: number, { codes, frames: own, at }: Start & { at: number }): void {
  for (let k = 0; k * frames < piece.length; k++) piece.set(codes.subarray(k * own, (k + 1) * own), k * frames + at);
}
