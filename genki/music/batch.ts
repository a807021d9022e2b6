import { InvalidInput } from '../errors.ts';
import type { Clip } from './clip.ts';
import { type DecoderConfig, type LanguageConfig, padCode } from './config.ts';
import { delayCodes, delayedLength, longestDelay } from './delay-pattern.ts';
import { type TextBatch, textRows, wordsOf } from './text.ts';

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
 * @param text what a conditioner made of the captions; by default the model's own words of them
 * @throws {InvalidInput} naming the clip whose codebooks, frames or codes are not the model's, or a text that is not
 */
export function batchOfClips(config: LanguageConfig, clips: readonly Clip[], text: TextBatch = wordsOf(config.text, clips.map(({ caption }) => caption))): Batch {
  const { decoder } = config;
  const { numCodebooks, maxPositions } = decoder;
  if (clips.length === 0) throw new InvalidInput('Expected at least one clip, got none');
  clips.forEach((clip, i) => checkClip(decoder, clip, i));
  const positions = delayedLength(Math.max(...clips.map(({ frames }) => frames)), decoder);
  checkText(config, text, clips.length);
  if (positions > maxPositions) throw new InvalidInput(`Expected clips of at most ${maxPositions - longestDelay(decoder)} frames, got ${positions - longestDelay(decoder)}`);
  const labels = new Int32Array(clips.length * positions * numCodebooks).fill(IGNORED);
  clips.forEach((clip, row) => {
    const delayed = delayCodes(clip.codes, { layout: decoder, frames: clip.frames }, IGNORED);
    const length = delayedLength(clip.frames, decoder);
    for (let p = 0; p < length; p++) {
      for (let k = 0; k < numCodebooks; k++) labels[(row * positions + p) * numCodebooks + k] = delayed[k * length + p]!;
    }
  });
  return batchOfLabels(decoder, labels, text);
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

/** Rows `from` up to `to`; each label counts what it did among all rows. */
export function batchRows(batch: Batch, from: number, to: number): Batch {
  const { rows, positions, ids, labels, weights, text } = batch;
  if (from === 0 && to === rows) return batch;
  const [first, last] = [from * positions, to * positions];
  return {
    rows: to - from,
    positions,
    ids: ids.map((codes) => codes.subarray(first, last)),
    labels: labels.subarray(first * ids.length, last * ids.length),
    weights: weights.subarray(first * ids.length, last * ids.length),
    text: textRows(text, from, to),
  };
}

/** A batch in so many parts of as equal numbers of rows as can be; of fewer rows, each alone. Their losses and gradients add up to the whole's. */
export function microBatches(batch: Batch, count: number): Batch[] {
  const parts = Math.min(count, batch.rows);
  const start = (part: number): number => Math.round((part * batch.rows) / parts);
  return Array.from({ length: parts }, (_, part) => batchRows(batch, start(part), start(part + 1)));
}

function checkText({ text }: LanguageConfig, { rows, length, content }: TextBatch, clips: number): void {
  if (rows !== clips) throw new InvalidInput(`Expected a text for each of ${clips} clips, got ${rows}`);
  if (content.kind !== text.kind) throw new InvalidInput(`Expected text as ${text.kind}, which the model takes, got ${content.kind}`);
  if (content.kind === 'states' && content.states.length !== rows * length * text.hiddenSize) {
    throw new InvalidInput(`Expected text states of ${text.hiddenSize} values, which the model takes, got ${content.states.length / (rows * length)}`);
  }
}

function checkClip(decoder: DecoderConfig, { codes, numCodebooks, frames }: Clip, i: number): void {
  if (numCodebooks !== decoder.numCodebooks || frames < 1 || codes.length !== numCodebooks * frames) {
    throw new InvalidInput(`Expected clip ${i} to have ${decoder.numCodebooks} codebooks of equal length, got ${numCodebooks} of ${frames} frames and ${codes.length} codes`);
  }
  const bad = codes.find((code) => code >= decoder.vocabSize);
  if (bad !== undefined) throw new InvalidInput(`Expected clip ${i} to have codes below ${decoder.vocabSize}, got ${bad}`);
}
