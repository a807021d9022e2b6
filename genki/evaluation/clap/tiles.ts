import { Random } from '../../protocol/random.ts';

/**
 * Where the windows of a clip that is longer than one begin: the fewest that hold every sample of it, n = ⌈length / window⌉,
 * none of which reaches beyond its ends.
 *
 *     slack = n · window − length,   offset drawn once from 0 … slack,   begin_i = min(max(i · window − offset, 0), length − window)
 *
 * So the seed decides how the inner windows lie; the first begins with the clip and the last ends with it, and where two are
 * enough nothing is left to draw. Neither the other clips nor their order matter: the same sound is cut the same.
 *
 * @param length of the clip, in samples, 1 or more
 * @param window in samples, 1 or more
 * @returns ascending; `[0]` for a clip that fits a window
 * @throws {RangeError} for a length or window below 1
 */
export function tileBegins(length: number, window: number, seed: string): number[] {
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;
  if (!isCount(length) || !isCount(window)) throw new RangeError(`Expected a length and a window of 1 sample or more, got ${length} and ${window}`);
  if (length <= window) return [0];
  const count = Math.ceil(length / window);
  const offset = new Random(seed).int(count * window - length + 1);
  return Array.from({ length: count }, (_, i) => Math.min(Math.max(i * window - offset, 0), length - window));
}

/**
 * A clip repeated to fill a window: as many whole copies as fit, then silence, which is what CLAP's networks were trained on
 * (`repeatpad` of Hugging Face's `ClapFeatureExtractor`).
 *
 * @param clip 1 to `window` samples
 * @returns shape [window]
 * @throws {RangeError} for a clip that is empty or longer than the window
 */
export function repeatPad(clip: Float32Array, window: number): Float32Array {
  if (clip.length < 1 || clip.length > window) throw new RangeError(`Expected a clip of 1 to ${window} samples, got ${clip.length}`);
  const padded = new Float32Array(window);
  for (let at = 0; at + clip.length <= window; at += clip.length) padded.set(clip, at);
  return padded;
}

/** The windows of a clip, each of exactly `window` samples: cut by `tileBegins`, filled by `repeatPad`. */
export const tiles = (clip: Float32Array, window: number, seed: string): Float32Array[] =>
  tileBegins(clip.length, window, seed).map((begin) => repeatPad(clip.subarray(begin, begin + window), window));
