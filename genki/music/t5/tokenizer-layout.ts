import * as z from 'zod';
import { InvalidInput } from '../../errors.ts';
import { parseSmallFile } from '../../protocol/small-file.ts';

/** What stands for a space. */
export const SPACE = '▁';
/** What ends every text. */
export const END = '</s>';

/** Many times what any T5 has: 103 special tokens, pieces of 16 characters, one normalizer or two. */
const MOST = { addedTokens: 1024, characters: 128, normalizers: 8 } as const;

const AddedToken = z.object({
  id: z.int().nonnegative(),
  content: z.string().min(1).max(MOST.characters),
  single_word: z.literal(false),
  lstrip: z.boolean(),
  rstrip: z.boolean(),
  normalized: z.literal(false),
});

const NormalizerStep = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('Precompiled'), precompiled_charsmap: z.string() }),
  z.strictObject({ type: z.literal('NFKC') }),
  z.strictObject({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() }),
  z.strictObject({ type: z.literal('Replace'), pattern: z.strictObject({ Regex: z.literal(' {2,}') }), content: z.string().max(MOST.characters) }),
]);

const WhitespaceSplit = z.strictObject({ type: z.literal('WhitespaceSplit') });
const Metaspace = z.strictObject({
  type: z.literal('Metaspace'),
  replacement: z.literal(SPACE),
  str_rep: z.literal(SPACE).optional(),
  add_prefix_space: z.literal(true).optional(),
  prepend_scheme: z.enum(['always', 'first', 'never']).default('always'),
  split: z.literal(true).optional(),
});

const endedText = z.tuple([
  z.strictObject({ Sequence: z.strictObject({ id: z.literal('A'), type_id: z.literal(0) }) }),
  z.strictObject({ SpecialToken: z.strictObject({ id: z.literal(END), type_id: z.literal(0) }) }),
]);

/** What tokenizer.json of a T5 says about encoding: its older form cuts words apart first, its newer one at spaces only. */
const Layout = z.object({
  added_tokens: z.array(AddedToken).max(MOST.addedTokens),
  normalizer: z.discriminatedUnion('type', [NormalizerStep, z.strictObject({ type: z.literal('Sequence'), normalizers: z.array(NormalizerStep).max(MOST.normalizers) })]).nullable(),
  pre_tokenizer: z.discriminatedUnion('type', [Metaspace, z.strictObject({ type: z.literal('Sequence'), pretokenizers: z.tuple([WhitespaceSplit, Metaspace]) })]),
  post_processor: z.object({ type: z.literal('TemplateProcessing'), single: endedText }),
  model: z.strictObject({ type: z.literal('Unigram'), unk_id: z.int().nonnegative(), vocab: z.array(z.tuple([z.string().max(MOST.characters), z.number()])).min(1), byte_fallback: z.literal(false).optional() }),
});

/** Fields of tokenizer_config.json that would change what tokenizer.json says. */
const Config = z.object({
  tokenizer_class: z.enum(['T5Tokenizer', 'T5TokenizerFast']).optional(),
  split_special_tokens: z.literal(false).optional(),
  add_prefix_space: z.literal(true).nullish(),
});

export type AddedToken = z.infer<typeof AddedToken>;
export type NormalizerStep = z.infer<typeof NormalizerStep>;
export type TokenizerLayout = {
  readonly addedTokens: readonly AddedToken[];
  readonly normalizer: readonly NormalizerStep[];
  /** Whether any white space parts words, or spaces only. */
  readonly atWhiteSpace: boolean;
  /** Which words get a space in front that have none: all that begin a section, that which begins the text, or none. */
  readonly prepend: 'always' | 'first' | 'never';
  readonly unknownId: number;
  readonly pieces: readonly (readonly [string, number])[];
};

/**
 * @param json text of tokenizer.json
 * @param config text of tokenizer_config.json
 * @throws {InvalidInput} naming what no T5 has
 */
export function readTokenizerLayout(json: string, config: string): TokenizerLayout {
  parsed(Config, config, 'tokenizer_config.json');
  const { added_tokens: addedTokens, normalizer, pre_tokenizer: words, model } = parsed(Layout, json, 'tokenizer.json');
  const atWhiteSpace = words.type === 'Sequence';
  const { prepend_scheme: prepend } = atWhiteSpace ? words.pretokenizers[1] : words;
  if (atWhiteSpace && prepend === 'first') throw new InvalidInput('Expected prepend_scheme of tokenizer.json to be always behind WhitespaceSplit, got first');
  if (model.unk_id >= model.vocab.length) throw new InvalidInput(`Expected unk_id of tokenizer.json below ${model.vocab.length}, got ${model.unk_id}`);
  const normalizers = normalizer === null ? [] : normalizer.type === 'Sequence' ? normalizer.normalizers : [normalizer];
  return { addedTokens, normalizer: normalizers, atWhiteSpace, prepend, unknownId: model.unk_id, pieces: model.vocab };
}

function parsed<T>(schema: z.ZodType<T>, text: string, file: string): T {
  const result = schema.safeParse(parseSmallFile(text, file));
  if (result.success) return result.data;
  throw new InvalidInput(`Expected ${file} of a T5, got one with\n${z.prettifyError(result.error).slice(0, 1000)}`);
}
