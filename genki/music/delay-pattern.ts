/**
 * MusicGen's delay pattern: codebook k runs k positions late, so that one position's codes can be sampled at once
 * although each depends on the coarser ones of its own frame. T frames of K codebooks make T + K − 1 positions:
 *
 *     label[k, p] = code[k, p − k] where 0 <= p − k < T, else nothing
 *     input[k, p] = label[k, p − 1], PAD where there is nothing
 *
 * The input is the labels moved by one behind a start of PAD, as Hugging Face trains and generates.
 */

/** How many positions a clip takes. */
export const delayedLength = (frames: number, numCodebooks: number): number => frames + numCodebooks - 1;

/** Whether codebook `k` has a code of its own at a position. */
export const isCode = (position: number, k: number, frames: number): boolean => position >= k && position - k < frames;

/**
 * The labels of a clip, delayed.
 * @param codes shape [numCodebooks, frames]
 * @param nothing what stands where a codebook has no code
 * @returns shape [numCodebooks, frames + numCodebooks − 1]
 */
export function delayCodes(codes: ArrayLike<number>, shape: { numCodebooks: number; frames: number }, nothing: number): Int32Array {
  const { numCodebooks, frames } = shape;
  const length = delayedLength(frames, numCodebooks);
  const out = new Int32Array(numCodebooks * length).fill(nothing);
  for (let k = 0; k < numCodebooks; k++) {
    for (let t = 0; t < frames; t++) out[k * length + t + k] = codes[k * frames + t]!;
  }
  return out;
}

/**
 * The codes of delayed labels: the inverse of `delayCodes`.
 * @param delayed shape [numCodebooks, frames + numCodebooks − 1]
 * @returns shape [numCodebooks, frames]
 */
export function undelayCodes(delayed: ArrayLike<number>, shape: { numCodebooks: number; frames: number }): Uint8Array {
  const { numCodebooks, frames } = shape;
  const length = delayedLength(frames, numCodebooks);
  const out = new Uint8Array(numCodebooks * frames);
  for (let k = 0; k < numCodebooks; k++) {
    for (let t = 0; t < frames; t++) out[k * frames + t] = delayed[k * length + t + k]!;
  }
  return out;
}
