import type { TensorSpec } from '../engine/engine.ts';
import { InvalidInput } from '../errors.ts';
import { chromaConfig, type LanguageConfig, type TextConfig } from './config.ts';
import type { Net, TextStates } from './decoder.ts';
import { names } from './weights.ts';

/**
 * What a batch of music is told, before any tensor is made of it. Padding says nothing by cross-attention; a model that is
 * told by a prefix hears it, as states of 0, so that a row depends on how far it is padded.
 */
export type TextBatch = {
  readonly rows: number;
  /** Words (or encoder states) per row, padding included. */
  readonly length: number;
  /** 1 at a word, 0 at padding: shape [rows, length]. */
  readonly mask: Float32Array;
  /** Ids of known words, shape [rows, length], or an encoder's states, shape [rows, length, text.hiddenSize]. */
  readonly content: { readonly kind: 'words'; readonly ids: Int32Array } | { readonly kind: 'states'; readonly states: Float32Array };
  /** By row, the melody to follow, where there is one (see `chromaOf`): shape [chroma.length, chroma.bins]. */
  readonly melodies?: readonly (Float32Array | undefined)[];
};

/**
 * The known words of each text, in order, at most `maxWords` of them; others are dropped.
 * @throws {InvalidInput} when the model takes an encoder's states and not words
 */
export function wordsOf(text: TextConfig, texts: readonly string[]): TextBatch {
  if (text.kind !== 'words') throw new InvalidInput(`Expected a model with words of its own, got one that takes text ${text.kind}`);
  const { words, maxWords } = text;
  const idOf = new Map(words.map((word, id) => [word, id]));
  const ids = new Int32Array(texts.length * maxWords);
  const mask = new Float32Array(ids.length);
  texts.forEach((line, row) => {
    const known = line.toLowerCase().split(/[\s,.;:!?]+/).flatMap((word) => idOf.get(word) ?? []).slice(0, maxWords);
    ids.set(known, row * maxWords);
    mask.fill(1, row * maxWords, row * maxWords + known.length);
  });
  return { rows: texts.length, length: maxWords, mask, content: { kind: 'words', ids } };
}

/** The same text with some rows saying nothing, neither words nor a melody: what guidance compares with, and what it is trained on. */
export function silenceRows(text: TextBatch, silent: (row: number) => boolean): TextBatch {
  const mask = text.mask.slice();
  for (let row = 0; row < text.rows; row++) if (silent(row)) mask.fill(0, row * text.length, (row + 1) * text.length);
  return { ...text, mask, ...(text.melodies && { melodies: text.melodies.map((melody, row) => (silent(row) ? undefined : melody)) }) };
}

/** The rows twice: first as they are, then saying nothing. */
export function withUnconditional(text: TextBatch): TextBatch {
  const { rows, length, mask, content, melodies } = text;
  const doubled = <A extends Float32Array | Int32Array>(out: A, values: A): A => {
    out.set(values);
    out.set(values, values.length);
    return out;
  };
  return {
    rows: 2 * rows,
    length,
    mask: Float32Array.from({ length: 2 * mask.length }, (_, i) => mask[i] ?? 0),
    content: content.kind === 'words'
      ? { kind: 'words', ids: doubled(new Int32Array(2 * content.ids.length), content.ids) }
      : { kind: 'states', states: doubled(new Float32Array(2 * content.states.length), content.states) },
    ...(melodies && { melodies: [...melodies, ...melodies.map(() => undefined)] }),
  };
}

/** Rows `from` up to `to` of a text. */
export function textRows(text: TextBatch, from: number, to: number): TextBatch {
  const { rows, length, mask, content, melodies } = text;
  const cut = <A extends Float32Array | Int32Array>(values: A): A => values.slice((from * values.length) / rows, (to * values.length) / rows) as A;
  return {
    rows: to - from,
    length,
    mask: cut(mask),
    content: content.kind === 'words' ? { kind: 'words', ids: cut(content.ids) } : { kind: 'states', states: cut(content.states) },
    ...(melodies && { melodies: melodies.slice(from, to) }),
  };
}

/** The inputs of a program that is told something. */
export function textInputs({ text, decoder }: LanguageConfig): Record<string, TensorSpec> {
  const chroma = chromaConfig(decoder);
  const more: Record<string, TensorSpec> = {
    'text.mask': { shape: ['B', 'S'], dtype: 'float32' },
    ...(chroma && { melody: { shape: ['B', chroma.length, chroma.bins], dtype: 'float32' } }),
  };
  if (text.kind === 'words') return { 'text.ids': { shape: ['B', 'S'], dtype: 'int32' }, ...more };
  return { 'text.states': { shape: ['B', 'S', text.hiddenSize], dtype: 'float32' }, ...more };
}

/** The states of those inputs: the words' rows of the table, or what came from outside. */
export function textStates<T>({ text, decoder }: LanguageConfig, { ops, weight }: Net<T>, input: (name: string) => T): TextStates<T> {
  const told = { mask: input('text.mask'), isProjected: text.isProjected ?? true, ...(chromaConfig(decoder) && { melody: input('melody') }) };
  if (text.kind === 'states') return { states: input('text.states'), ...told };
  return { states: ops.gather(weight(names.words), input('text.ids')), ...told };
}
