import { type Codes, newCodes } from './clip.ts';
import type { DecoderConfig } from './config.ts';

/**
 * MusicGen's delay pattern: codebook k runs d(k) positions late, so that one position's codes can be sampled at once
 * although each depends on the coarser ones of its own frame. T frames of K codebooks make T + d(K − 1) positions:
 *
 *     label[k, p] = code[k, p − d(k)] where 0 <= p − d(k) < T, else nothing
 *     input[k, p] = label[k, p − 1], PAD where there is nothing
 *
 * In mono d(k) = k. In stereo codebooks come in pairs, left and right, and d(k) = ⌊k / 2⌋. The input is the labels moved
 * by one behind a start of PAD, as Hugging Face trains and generates.
 */

/** What of a decoder says how its codebooks lie. */
export type Layout = Pick<DecoderConfig, 'numCodebooks' | 'channels'>;

/** Positions that codebook `k` is late. */
export const delayOf = ({ channels = 1 }: Layout, k: number): number => Math.floor(k / channels);

/** Positions that the latest codebook is late: what a clip takes beyond its frames. */
export const longestDelay = (layout: Layout): number => delayOf(layout, layout.numCodebooks - 1);

/** How many positions a clip takes. */
export const delayedLength = (frames: number, layout: Layout): number => frames + longestDelay(layout);

/** Whether codebook `k` has a code of its own at a position. */
export const isCode = (layout: Layout, { position, k, frames }: { position: number; k: number; frames: number }): boolean => {
  const at = position - delayOf(layout, k);
  return at >= 0 && at < frames;
};

/**
 * The labels of a clip, delayed.
 * @param codes shape [numCodebooks, frames]
 * @param nothing what stands where a codebook has no code
 * @returns shape [numCodebooks, delayedLength]
 */
export function delayCodes(codes: ArrayLike<number>, { layout, frames }: { layout: Layout; frames: number }, nothing: number): Int32Array {
  const length = delayedLength(frames, layout);
  const out = new Int32Array(layout.numCodebooks * length).fill(nothing);
  for (let k = 0; k < layout.numCodebooks; k++) {
    const delay = delayOf(layout, k);
    for (let t = 0; t < frames; t++) out[k * length + t + delay] = codes[k * frames + t]!;
  }
  return out;
}

/**
 * The codes of delayed labels: the inverse of `delayCodes`.
 * @param delayed shape [numCodebooks, delayedLength]
 * @returns shape [numCodebooks, frames]
 */
export function undelayCodes(delayed: ArrayLike<number>, { decoder, frames }: { decoder: Layout & Pick<DecoderConfig, 'vocabSize'>; frames: number }): Codes {
  const { numCodebooks, vocabSize } = decoder;
  const length = delayedLength(frames, decoder);
  const out = newCodes(vocabSize, numCodebooks * frames);
  for (let k = 0; k < numCodebooks; k++) {
    const delay = delayOf(decoder, k);
    for (let t = 0; t < frames; t++) out[k * frames + t] = delayed[k * length + t + delay]!;
  }
  return out;
}
