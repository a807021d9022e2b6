import { describe, expect, it } from 'vitest';
import { silenceRows, textRows, withUnconditional, wordsOf } from '../../../genki/music/text.ts';
import { TOY } from './support/toys.ts';

describe('wordsOf', () => {
  it('keeps the known words in order and drops the others', () => {
    const { mask, content, length } = wordsOf(TOY.text, ['A fast, quiet Waltz in minor!', 'nothing known', '']);
    expect(content).toEqual({ kind: 'words', ids: Int32Array.of(4, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0) });
    expect([...mask]).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(length).toBe(4);
  });

  it('keeps at most as many words as the model takes', () => {
    expect([...wordsOf(TOY.text, ['fast fast fast fast fast fast']).mask]).toEqual([1, 1, 1, 1]);
  });

  it('refuses words where the model takes states', () => {
    expect(() => wordsOf({ kind: 'states', hiddenSize: 24 }, ['waltz'])).toThrow('Expected a model with words');
  });
});

describe('rows of a text', () => {
  const text = wordsOf(TOY.text, ['town', 'battle waltz', 'minor']);

  it('are silenced one by one', () => {
    expect([...silenceRows(text, (row) => row === 1).mask]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    expect([...text.mask]).toEqual([1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0]);
  });

  it('are doubled by rows that say nothing', () => {
    const doubled = withUnconditional(text);
    expect(doubled.rows).toBe(6);
    expect(textRows(doubled, 0, 3)).toEqual(text);
    expect(textRows(doubled, 3, 6)).toEqual(silenceRows(text, () => true));
  });

  it('keep their melodies, and lose them where they say nothing', () => {
    const [first, last] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
    const heard = { ...text, melodies: [first, undefined, last] };
    expect(silenceRows(heard, (row) => row === 2).melodies).toEqual([first, undefined, undefined]);
    expect(withUnconditional(heard).melodies).toEqual([first, undefined, last, undefined, undefined, undefined]);
    expect(textRows(heard, 1, 3).melodies).toEqual([undefined, last]);
    expect(textRows(text, 1, 3)).not.toHaveProperty('melodies');
  });
});
