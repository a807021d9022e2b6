import { InvalidInput } from '../../errors.ts';
import { charsmapNormalizer } from './charsmap.ts';
import { type AddedToken, END, type NormalizerStep, readTokenizerLayout, SPACE, type TokenizerLayout } from './tokenizer-layout.ts';
import { Unigram } from './unigram.ts';

/** The texts of tokenizer.json and tokenizer_config.json. */
export type TokenizerFiles = { readonly json: string; readonly config: string };

export type Tokenizer = {
  /** The ids of the text's pieces and, once, of `</s>`; those of Hugging Face's `T5TokenizerFast`. */
  encode(text: string): number[];
};

/** Whether a section begins the text decides about the space in front of it. */
type Section = { readonly text: string; readonly isFirst: boolean };

/**
 * T5's tokenizer, as its files say: special tokens are found first, what lies between them is normalized, parted into words
 * and those cut into pieces.
 * @throws {InvalidInput} when the files are no T5's
 */
export function createTokenizer({ json, config }: TokenizerFiles): Tokenizer {
  const layout = readTokenizerLayout(json, config);
  const model = new Unigram(layout.pieces, layout.unknownId);
  const end = layout.addedTokens.find(({ content }) => content === END)?.id ?? model.id(END);
  if (end === undefined) throw new InvalidInput(`Expected tokenizer.json to have ${END}, got none`);
  const normalize = layout.normalizer.map(normalizerOf);
  const sections = sectionsBetween(layout.addedTokens);
  const piecesOf = ({ text, isFirst }: Section): number[] => {
    const normalized = normalize.reduce((now, step) => step(now), text);
    return wordsOf(normalized, isFirst, layout).flatMap((word) => model.encode(word));
  };
  return { encode: (text) => [...sections(text).flatMap((section) => (typeof section === 'number' ? section : piecesOf(section))), end] };
}

function normalizerOf(step: NormalizerStep): (text: string) => string {
  switch (step.type) {
    case 'Precompiled':
      return charsmapNormalizer(step.precompiled_charsmap);
    case 'NFKC':
      return (text) => text.normalize('NFKC');
    case 'Strip':
      return (text) => text.replace(step.strip_left ? /^\p{White_Space}+/u : '', '').replace(step.strip_right ? /\p{White_Space}+$/u : '', '');
    case 'Replace':
      return (text) => text.replace(new RegExp(step.pattern.Regex, 'gu'), () => step.content);
  }
}

/** Parts a text at the special tokens, of which the ids are given, with the white space that they take along. */
function sectionsBetween(tokens: readonly AddedToken[]): (text: string) => (Section | number)[] {
  const ids = new Map(tokens.map(({ content, id }) => [content, id]));
  const space = '\\p{White_Space}*';
  // the first alternative that fits is taken: the longest of those that begin alike
  const patterns = tokens
    .toSorted((a, b) => b.content.length - a.content.length)
    .map(({ content, lstrip, rstrip }) => `${lstrip ? space : ''}(?:${content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')})${rstrip ? space : ''}`);
  const pattern = tokens.length === 0 ? undefined : new RegExp(`(${patterns.join('|')})`, 'u');
  return (text) => {
    if (pattern === undefined) return [{ text, isFirst: true }];
    // the group that is split by stands at every second place
    return text.split(pattern).map((part, i) => (i % 2 === 1 ? (ids.get(part) ?? ids.get(part.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, ''))!) : { text: part, isFirst: i === 0 }));
  };
}

/** The words of a section, each with the sign of the space before it. */
function wordsOf(text: string, isFirst: boolean, { atWhiteSpace, prepend }: TokenizerLayout): string[] {
  const parts = atWhiteSpace ? (text.match(/\P{White_Space}+/gu) ?? []) : text === '' ? [] : [text];
  return parts.flatMap((part) => {
    const spaced = part.replaceAll(' ', SPACE);
    const isBare = !spaced.startsWith(SPACE) && (prepend === 'always' || (prepend === 'first' && isFirst));
    return `${isBare ? SPACE : ''}${spaced}`.match(/▁[^▁]*|[^▁]+/gu) ?? [];
  });
}
