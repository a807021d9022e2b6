import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../../../genki/music/t5/tokenizer.ts';
import { goldenBytes, goldenJson } from '../support/goldens.ts';

const text = (path: string): string => new TextDecoder().decode(goldenBytes(path));
const files = { json: text('t5/tiny-tokenizer/tokenizer.json'), config: text('t5/tiny-tokenizer/tokenizer_config.json') };
const layout = JSON.parse(files.json) as Record<string, object> & { model: { vocab: [string, number][] } };
const { texts, layouts } = goldenJson('t5/tokens.json') as { texts: string[]; layouts: { layout: Record<string, unknown>; ids: number[][] }[] };

const withLayout = (change: Record<string, unknown>) => createTokenizer({ ...files, json: JSON.stringify({ ...layout, ...change }) });
const idOf = (piece: string): number => layout.model.vocab.findIndex(([known]) => known === piece);

describe('createTokenizer', () => {
  it.each(layouts)("gives the ids of Hugging Face's T5TokenizerFast: layout %#", ({ layout: change, ids }) => {
    const tokenizer = withLayout(change);
    texts.forEach((line, i) => expect(tokenizer.encode(line), JSON.stringify(line.slice(0, 80))).toEqual(ids[i]));
  });

  it('ends an empty text, and every other once', () => {
    const tokenizer = createTokenizer(files);
    expect(tokenizer.encode('')).toEqual([1]);
    expect(tokenizer.encode('piano')).toEqual([idOf('▁piano'), 1]);
  });

  it('takes the likelier pieces, not the longer ones', () => {
    const vocab: [string, number][] = [['<pad>', 0], ['</s>', 0], ['<unk>', 0], ['▁', -1], ['a', -1], ['b', -1], ['▁ab', -3.1], ['ba', -2.5], ['▁abba', -8]];
    const tokenizer = withLayout({ model: { type: 'Unigram', unk_id: 2, vocab } });
    expect(tokenizer.encode('ab')).toEqual([3, 4, 5, 1]); // -3 before -3.1
    expect(tokenizer.encode('abba')).toEqual([3, 4, 5, 5, 4, 1]); // -5 before -5.1 by ba, and -8
    expect(tokenizer.encode('axyb')).toEqual([3, 4, 2, 5, 1]);
  });

  it('takes what is unknown for 10 nats less likely than the least likely piece, whatever its code point', () => {
    const vocab: [string, number][] = [['<pad>', 0], ['</s>', 0], ['<unk>', 0], ['▁', -8], ['▁a', -1], ['ax', -8], ['a', -8], ['▁cb', -1], ['c', -8], ['b🎹', -8]];
    const tokenizer = withLayout({ model: { type: 'Unigram', unk_id: 2, vocab } });
    expect(tokenizer.encode('ax')).toEqual([3, 5, 1]); // -16 before -1 -18
    expect(tokenizer.encode('cb🎹')).toEqual([7, 2, 1]); // -1 -18 before -24
  });

  it('finds special tokens within a text', () => {
    expect(createTokenizer(files).encode('a</s>b<extra_id_0>')).toEqual([idOf('▁a'), 1, idOf('▁'), idOf('b'), 47, 1]);
  });

  it('finds the longest of special tokens that begin alike', () => {
    const [first] = layout['added_tokens'] as unknown as object[];
    const tokenizer = withLayout({ added_tokens: [{ ...first, id: 40, content: '<x' }, { ...first, id: 41, content: '<x>' }, { ...first, id: 42, content: '<' }] });
    expect(tokenizer.encode('<x><x<')).toEqual([41, 40, 42, 1]);
  });

  // the ids are those of tokenizers 0.22
  it.each<[string, number[]]>([
    ['a  <l>  a', [4, 48, 3, 30, 1]],
    ['a  <r>  a', [4, 3, 3, 49, 4, 1]],
    ['a <r>  <l> a', [4, 3, 49, 48, 30, 1]],
    ['y   a', [50, 4, 1]],
    ['a  z<l>', [4, 3, 51, 48, 1]],
    ['a <l> z', [4, 48, 51, 1]],
  ])('takes the white space that a special token takes along, after all are found: %j', (line, ids) => {
    const [first] = layout['added_tokens'] as unknown as object[];
    const tokenizer = withLayout({
      added_tokens: [{ ...first, id: 48, content: '<l>', lstrip: true }, { ...first, id: 49, content: '<r>', rstrip: true }, { ...first, id: 50, content: 'y ', rstrip: true }, { ...first, id: 51, content: ' z' }],
      pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never' },
    });
    expect(tokenizer.encode(line)).toEqual(ids);
  });

  const widening = { type: 'Replace', pattern: { Regex: ' {2,}' }, content: '  a'.repeat(42) };
  it.each<[string, Record<string, unknown>]>([
    ['in one step', { normalizer: widening }],
    ['step by step', { normalizer: { type: 'Sequence', normalizers: Array.from({ length: 8 }, () => widening) } }],
  ])('refuses what a normalizer makes too long %s, before the next step', (_name, change) => {
    expect(() => withLayout(change).encode('a  '.repeat(1300))).toThrow(/Expected a text of at most 16384 characters once it is normalized, got \d+$/);
  });

  it('is quick where special tokens take white space along and there is much of it', () => {
    const [first] = layout['added_tokens'] as unknown as object[];
    const many = Array.from({ length: 1024 }, (_, i) => ({ ...first, id: 1, content: `<${i}>`, lstrip: true, rstrip: true }));
    expect(withLayout({ added_tokens: many }).encode(`${' '.repeat(4000)}<7>`)).toEqual([1, 1]);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['more special tokens than are looked for', { added_tokens: Array.from({ length: 1025 }, (_, id) => ({ ...(layout['added_tokens'] as unknown as object[])[0], id, content: `<${id}>` })) }, /added_tokens/],
    ['a piece of hundreds of characters', { model: { ...layout['model'], vocab: [...layout.model.vocab, ['a'.repeat(129), -1]] } }, /model\.vocab\[48\]\[0\]/],
    ['a replacement of hundreds of characters', { normalizer: { ...widening, content: 'a'.repeat(129) } }, /normalizer/],
    ['a charsmap with a replacement of hundreds of characters', { normalizer: { type: 'Precompiled', precompiled_charsmap: Buffer.concat([Buffer.of(4, 0, 0, 0, 0, 0, 0, 0), Buffer.alloc(257, 'a')]).toString('base64') } }, /replacements of at most 256 bytes, got one of 257/],
    ['another model', { model: { ...layout['model'], type: 'BPE' } }, /model\.type/],
    ['bytes for what is unknown', { model: { ...layout['model'], byte_fallback: true } }, /byte_fallback/],
    ['an unknown piece that it does not have', { model: { ...layout['model'], unk_id: 48 } }, /Expected unk_id of tokenizer.json below 48, got 48/],
    ['an unknown normalizer', { normalizer: { type: 'Lowercase' } }, /normalizer/],
    ['a charsmap that is none', { normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAAA/w==' } }, /Expected a precompiled_charsmap with a trie, got 4 bytes/],
    ['another way to part words', { pre_tokenizer: { type: 'ByteLevel' } }, /pre_tokenizer/],
    ['a first word behind white space', { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first' }] } }, /prepend_scheme/],
    ['no end', { post_processor: null }, /post_processor/],
    ['no token that ends a text', { added_tokens: [], model: { ...layout['model'], vocab: layout.model.vocab.filter(([piece]) => piece !== '</s>') } }, /Expected tokenizer.json to have <\/s>, got none/],
  ])('refuses %s', (_name, change, message) => {
    expect(() => withLayout(change)).toThrow(expect.objectContaining({ name: 'InvalidInput', message: expect.stringMatching(message) as string }));
  });

  it.each([
    ['tokenizer.json', { ...files, json: '<html>' }],
    ['tokenizer.json', { ...files, json: '['.repeat(100_000) }],
    ['tokenizer_config.json', { ...files, config: '' }],
    ['tokenizer_config.json', { ...files, config: '{"tokenizer_class":"BertTokenizer"}' }],
    ['tokenizer_config.json', { ...files, config: '{"split_special_tokens":true}' }],
  ])('names the file that is no T5: %s', (file, broken) => {
    expect(() => createTokenizer(broken)).toThrow(new RegExp(`^Expected ${file.replaceAll('.', '\\.')}`));
  });
});
