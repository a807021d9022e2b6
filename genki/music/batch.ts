import { InvalidInput } from '../errors.ts';
import type { Clip } from './clip.ts';
import { type DecoderConfig, type LanguageConfig, padCode } from './config.ts';
import { delayCodes, delayedLength } from './delay-pattern.ts';
import { wordsOf, type TextBatch } from './text.ts';

/** A label that no loss is taken of. */
export const IGNORED = -100;

/** Delayed clips, ready to train on or to score. */
export type Batch = {
  readonly rows: number;
  readonly positions: number;
  /** What the decoder sees, by codebook: shape [rows, positions]. */
  readonly ids: readonly Int32Array[];
  /** What it should say, 0 where nothing is asked: shape [rows, positions, numCodebooks]. */
  readonly labels: Int32Array;
  /** What each label counts in the loss, 0 where nothing is asked; they sum to 1. Shape as `labels`. */
  readonly weights: Float32Array;
  readonly text: TextBatch;
};

/**
 * Clips, delayed, with their captions. A clip that is shorter than the longest one is padded and not asked there.
 * @throws {InvalidInput} naming the clip whose codebooks, frames or codes are not the model's
 */
export function batchOfClips(config: LanguageConfig, clips: readonly Clip[]): Batch {
  const { decoder } = config;
  const { numCodebooks, maxPositions } = decoder;
  if (clips.length === 0) throw new InvalidInput('Expected at least one clip, got none');
  clips.forEach((clip, i) => checkClip(decoder, clip, i));
  const positions = delayedLength(Math.max(...clips.map(({ frames }) => frames)), numCodebooks);
  if (positions > maxPositions) throw new InvalidInput(`Expected clips of at most ${maxPositions - numCodebooks + 1} frames, got ${positions - numCodebooks + 1}`);
  const labels = new Int32Array(clips.length * positions * numCodebooks).fill(IGNORED);
  clips.forEach((clip, row) => {
    const delayed = delayCodes(clip.codes, clip, IGNORED);
    const length = delayedLength(clip.frames, numCodebooks);
    for (let p = 0; p < length; p++) {
      for (let k = 0; k < numCodebooks; k++) labels[(row * positions + p) * numCodebooks + k] = delayed[k * length + p]!;
    }
  });
  return batchOfLabels(decoder, labels, wordsOf(config.text, clips.map(({ caption }) => caption)));
}

/**
 * The batch of delayed labels, as Hugging Face has them: the decoder sees them moved by one behind PAD, IGNORED as PAD;
 * the loss is the mean over codebooks of each codebook's own mean over what is asked of it.
 * @param labels shape [text.rows, positions, numCodebooks]
 */
export function batchOfLabels(decoder: DecoderConfig, labels: Int32Array, text: TextBatch): Batch {
  const { numCodebooks, vocabSize } = decoder;
  const { rows } = text;
  const positions = labels.length / rows / numCodebooks;
  const asked = (label: number): boolean => label >= 0 && label < vocabSize;
  const counts = new Float64Array(numCodebooks);
  labels.forEach((label, i) => (counts[i % numCodebooks]! += asked(label) ? 1 : 0));
  const ids = Array.from({ length: numCodebooks }, (_, k) =>
    Int32Array.from({ length: rows * positions }, (_, i) => {
      const before = i % positions === 0 ? IGNORED : labels[(i - 1) * numCodebooks + k]!;
      return asked(before) ? before : padCode(decoder);
    }),
  );
  return {
    rows,
    positions,
    ids,
    labels: labels.map((label) => (asked(label) ? label : 0)),
    weights: Float32Array.from(labels, (label, i) => (asked(label) ? 1 / (numCodebooks * counts[i % numCodebooks]!) : 0)),
    text,
  };
}

function checkClip(decoder: DecoderConfig, { codes, numCodebooks, frames }: Clip, i: number): void {
  if (numCodebooks !== decoder.numCodebooks || frames < 1 || codes.length !== numCodebooks * frames) {
    throw new InvalidInput(`Expected clip ${i} to have ${decoder.numCodebooks} codebooks of equal length, got ${numCodebooks} of ${frames} frames and ${codes.length} codes`);
  }
  const bad = codes.find((code) => code >= decoder.vocabSize);
  if (bad !== undefined) throw new InvalidInput(`Expected clip ${i} to have codes below ${decoder.vocabSize}, got ${bad}`);
}
