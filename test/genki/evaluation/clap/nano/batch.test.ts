import { describe, expect, it } from 'vitest';
import { contrastiveBatch } from '../../../../../genki/evaluation/clap/nano/batch.ts';
import { patchSize } from '../../../../../genki/evaluation/clap/nano/config.ts';
import { type Sound, SUMMARY_SIZE } from '../../../../../genki/evaluation/clap/nano/sound.ts';
import { TOY_NANO, toyBatch } from '../support/toy-nano.ts';

const rows = (values: Float32Array, width: number): number[][] => Array.from({ length: values.length / width }, (_, r) => [...values.slice(r * width, (r + 1) * width)]);
const soundOf = (length: number): Sound => ({ patches: new Float32Array(length), summary: new Float32Array(SUMMARY_SIZE) });
const close = (values: readonly number[]): unknown[] => values.map((value) => expect.closeTo(value, 6));

describe('contrastiveBatch', () => {
  const batch = toyBatch('targets');

  it('wants from a caption all clips that its words are said of, from one that fits none nothing', () => {
    // clips: fast town, slow town, fast waltz, slow waltz, fast town, junk; 4 of 5 captions fit a clip, so each has 1/8
    expect(rows(batch.wantedClips, 6)).toEqual([
      close([1 / 16, 0, 0, 0, 1 / 16, 0]), // fast town
      close([0, 1 / 8, 0, 0, 0, 0]), // slow town
      close([0, 0, 1 / 16, 1 / 16, 0, 0]), // waltz
      close([0, 0, 0, 0, 0, 0]), // fast slow waltz
      close([0, 0, 0, 0, 0, 1 / 8]), // nothing
    ]);
  });

  it('wants from a clip its captions', () => {
    const twelfth = 1 / 12; // each of the six clips fits one
    expect(rows(batch.wantedCaptions, 5)).toEqual([
      close([twelfth, 0, 0, 0, 0]),
      close([0, twelfth, 0, 0, 0]),
      close([0, 0, twelfth, 0, 0]),
      close([0, 0, twelfth, 0, 0]),
      close([twelfth, 0, 0, 0, 0]),
      close([0, 0, 0, 0, twelfth]),
    ]);
  });

  it('puts equal parts of each different word into a bag', () => {
    const clip = { caption: 'fast town', sound: soundOf(3 * patchSize(TOY_NANO)) };
    const { bags } = contrastiveBatch(TOY_NANO, [clip, { ...clip, caption: '' }], ['Town, fast! Town.', 'polka', 'town']);
    expect(rows(bags, 5)).toEqual([[0.5, 0, 0.5, 0, 0], [0, 0, 0, 0, 1], [0, 0, 1, 0, 0]]);
  });

  it.each([
    ['clips of several lengths', [24, 48], ['town'], 'the same number of windows'],
    ['no clip', [], ['town'], 'the same number of windows'],
    ['no caption that fits', [24], ['waltz'], 'a caption that fits'],
  ])('refuses %s', (_name, lengths, captions, message) => {
    expect(() => contrastiveBatch(TOY_NANO, lengths.map((length) => ({ caption: 'town', sound: soundOf(length) })), captions)).toThrow(message);
  });
});
