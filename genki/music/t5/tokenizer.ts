import { InvalidInput } from '../../errors.ts';
import { charsmapNormalizer } from './charsmap.ts';
import { type AddedToken, END, type NormalizerStep, readTokenizerLayout, SPACE, type TokenizerLayout } from './tokenizer-layout.ts';
import { Unigram } from './unigram.ts';

/** The texts of tokenizer.json and tokenizer_config.json. */
export type TokenizerFiles = { readonly json: string; readonly config: string };

export type Tokenizer = {
  /**
   * The ids of the text's pieces and, once, of `</s>`; those of Hugging Face's `T5TokenizerFast`.
   * @throws {InvalidInput} for a text that is longer than 16,384 characters once it is normalized
   */
  encode(text: string): number[];
};

const LEADING_SPACE = /^\p{White_Space}+/u;
/** The look behind keeps it from trying every place within white space. */
const TRAILING_SPACE = /(?<!\p{White_Space})\p{White_Space}+$/u;
/** What a normalizer may make of a text: four times the longest caption. */
const MOST_CHARACTERS = 2 ** 14;

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
    const normalized = normalize.reduce((now, step) => bounded(step(now)), text);
    return wordsOf(normalized, isFirst, layout).flatMap((word) => model.encode(word));
  };
  return { encode: (text) => [...sections(text).flatMap((section) => (typeof section === 'number' ? section : piecesOf(section))), end] };
}

/** A step may lengthen a text, and so each makes the next one's work. */
function bounded(text: string): string {
  if (text.length > MOST_CHARACTERS) throw new InvalidInput(`Expected a text of at most ${MOST_CHARACTERS} characters once it is normalized, got ${text.length}`);
  return text;
}

function normalizerOf(step: NormalizerStep): (text: string) => string {
  switch (step.type) {
    case 'Precompiled':
      return charsmapNormalizer(step.precompiled_charsmap);
    case 'NFKC':
      return (text) => text.normalize('NFKC');
    case 'Strip':
      return (text) => text.replace(step.strip_left ? LEADING_SPACE : '', '').replace(step.strip_right ? TRAILING_SPACE : '', '');
    case 'Replace':
      return (text) => text.replace(new RegExp(step.pattern.Regex, 'gu'), () => step.content);
  }
}

/** Parts a text at the special tokens, of which the ids are given; some take along the white space beside them. */
function sectionsBetween(tokens: readonly AddedToken[]): (text: string) => (Section | number)[] {
  const byContent = new Map(tokens.map((token) => [token.content, token]));
  // the first alternative that fits is taken: the longest of those that begin alike
  const contents = [...byContent.keys()].sort((a, b) => b.length - a.length).map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  const pattern = new RegExp(`(${contents.join('|')})`, 'u');
  return (text) => {
    // the group that is split by stands at every second place
    const parts = contents.length === 0 ? [text] : text.split(pattern);
    const tokenAt = (i: number): AddedToken | undefined => byContent.get(parts[i] ?? '');
    return parts.map((part, i) => {
      if (i % 2 === 1) return tokenAt(i)!.id;
      const begun = tokenAt(i - 1)?.rstrip ? part.replace(LEADING_SPACE, '') : part;
      return { text: tokenAt(i + 1)?.lstrip ? begun.replace(TRAILING_SPACE, '') : begun, isFirst: i === 0 };
    });
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
