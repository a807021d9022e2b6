import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { wordConditioner } from '../../../genki/music/conditioner.ts';
import { wordsOf } from '../../../genki/music/text.ts';
import { joinTexts, ToldTexts } from '../../../genki/music/told-texts.ts';
import { TOY } from './support/toys.ts';

describe('joinTexts', () => {
  it('pads the shorter ones with places that say nothing', () => {
    const short = { rows: 1, length: 1, mask: Float32Array.of(1), content: { kind: 'states' as const, states: Float32Array.of(1, 2) } };
    const long = { rows: 2, length: 2, mask: Float32Array.of(1, 1, 1, 0), content: { kind: 'states' as const, states: Float32Array.of(3, 4, 5, 6, 7, 8, 9, 9) } };
    expect(joinTexts([short, long])).toEqual({
      rows: 3,
      length: 2,
      mask: Float32Array.of(1, 0, 1, 1, 1, 0),
      content: { kind: 'states', states: Float32Array.of(1, 2, 0, 0, 3, 4, 5, 6, 7, 8, 9, 9) },
    });
  });

  it('keeps the melodies of those that have some', () => {
    const [plain, melody] = [wordsOf(TOY.text, ['waltz', 'town']), Float32Array.of(0, 1)];
    expect(joinTexts([plain, { ...wordsOf(TOY.text, ['battle']), melodies: [melody] }])).toEqual({ ...wordsOf(TOY.text, ['waltz', 'town', 'battle']), melodies: [undefined, undefined, melody] });
  });

  it('refuses texts of two kinds', () => {
    const states = { rows: 1, length: 1, mask: Float32Array.of(1), content: { kind: 'states' as const, states: Float32Array.of(1) } };
    expect(() => joinTexts([wordsOf(TOY.text, ['waltz']), states])).toThrow(RangeError);
  });
});

describe('ToldTexts', () => {
  it('gives the batch that the texts would have made together', async () => {
    const texts = ['fast town', 'waltz', 'nothing known', 'fast town'];
    const told = (await ToldTexts.tell(wordConditioner(TOY.text), new Set(texts), async () => true))!;
    expect(told.batch(texts)).toEqual(wordsOf(TOY.text, texts));
    expect(() => told.batch(['battle'])).toThrow(InvalidInput);
  });

  it('stops when it is enough', async () => {
    expect(await ToldTexts.tell(wordConditioner(TOY.text), new Set(['a', 'b']), async (told) => told < 2)).toBeUndefined();
  });
});
