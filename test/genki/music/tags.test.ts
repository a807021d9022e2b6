import { describe, expect, it } from 'vitest';
import { type Origin, tagsOf, tagText } from '../../../genki/music/tags.ts';

const ORIGIN: Origin = { prompt: 'swing steady', dama: { name: 'ruby-nano', digest: 'ab'.repeat(32) }, seed: '7', guidance: 3, temperature: 1, topK: 250 };

describe('tagsOf', () => {
  it('names the Dama, its digest, and how to make the piece again', () => {
    expect(tagsOf(ORIGIN)).toEqual({
      title: 'swing steady',
      artist: 'Genki-Dama',
      software: 'Genki-Dama',
      comment: `Dama ruby-nano ${'ab'.repeat(32)}; seed 7; guidance 3; temperature 1; top-k 250`,
    });
    expect(tagsOf({ ...ORIGIN, adapter: 'cd', topP: 0.9 }).comment).toContain('; adapter cd; seed 7; guidance 3; temperature 1; top-k 250; top-p 0.9');
  });

  it('keeps what follows a text that has no end', () => {
    const { comment } = tagsOf({ ...ORIGIN, seed: 'x'.repeat(100_000) });
    expect(comment.length).toBeLessThan(500);
    expect(comment.endsWith('…; guidance 3; temperature 1; top-k 250')).toBe(true);
  });
});

describe('tagText', () => {
  it.each([
    ['a\nb\r\n;c=d\0e\u2028f', 'a b ;c=d e f'],
    ['  -metadata x=y\t', '-metadata x=y'],
    ['\u202Eabc\u2066d', 'abc d'],
    ['half \uD83D', 'half \uFFFD'],
    ['', ''],
  ])('makes one line of %o', (text, line) => {
    expect(tagText(text)).toBe(line);
  });

  it('is 250 characters long at most, and cuts none in two', () => {
    expect(tagText('🎵'.repeat(250))).toBe('🎵'.repeat(250));
    expect(tagText('🎵'.repeat(251))).toBe(`${'🎵'.repeat(249)}…`);
  });
});
