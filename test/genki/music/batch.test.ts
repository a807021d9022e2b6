import { describe, expect, it } from 'vitest';
import { batchOfClips, batchOfLabels, IGNORED, microBatches } from '../../../genki/music/batch.ts';
import type { Clip } from '../../../genki/music/clip.ts';
import { golden, goldens, TINY, tinyText } from './support/goldens.ts';
import { TOY, toyClips } from './support/toys.ts';

describe('batchOfClips', () => {
  const clip: Clip = { codes: Uint8Array.of(1, 2, 3, 4), numCodebooks: 2, frames: 2, caption: 'waltz', style: 'toy' };
  const config = { ...TOY, decoder: { ...TOY.decoder, numCodebooks: 2 } };

  it('shows the decoder each label one position late, behind a start of padding', () => {
    const { ids, labels, weights, positions } = batchOfClips(config, [clip]);
    expect(positions).toBe(3);
    expect(ids.map((codes) => [...codes])).toEqual([[16, 1, 2], [16, 16, 3]]);
    expect([...labels]).toEqual([1, 0, 2, 3, 0, 4]);
    expect([...weights]).toEqual([0.25, 0, 0.25, 0.25, 0, 0.25]);
  });

  it('asks nothing of a shorter clip beyond its end', () => {
    const short: Clip = { ...clip, codes: Uint8Array.of(5, 6), frames: 1 };
    const { ids, weights } = batchOfClips(config, [clip, short]);
    expect(ids.map((codes) => [...codes.subarray(3)])).toEqual([[16, 5, 16], [16, 16, 6]]);
    expect(Array.from(weights.subarray(6), (weight) => weight > 0)).toEqual([true, false, false, true, false, false]);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
  });

  it.each([
    ['none', [], 'at least one clip'],
    ['another number of codebooks', [{ ...clip, numCodebooks: 4, frames: 1 }], '2 codebooks'],
    ['codes missing', [{ ...clip, frames: 3 }], 'clip 0'],
    ['a code beyond the vocabulary', [clip, { ...clip, codes: Uint8Array.of(1, 2, 3, 16) }], 'clip 1'],
    ['too many frames', [{ ...clip, codes: new Uint8Array(128), frames: 64 }], 'at most 63 frames'],
  ])('refuses clips with %s', (_, clips, message) => {
    expect(() => batchOfClips(config, clips)).toThrow(message);
  });

  it('reads the captions', () => {
    expect(batchOfClips(TOY, toyClips(3, 'captions')).text.rows).toBe(3);
  });
});

describe('batchOfLabels', () => {
  it("gives Hugging Face's decoder input", () => {
    const loss = goldens('loss.safetensors');
    const labels = golden(loss, 'labels').data as Int32Array;
    const { ids, positions } = batchOfLabels(TINY.decoder, labels, tinyText());
    const expected = golden(loss, 'decoder_input_ids').data;
    for (let row = 0; row < 2; row++) {
      for (let k = 0; k < 4; k++) {
        const at = (row * 4 + k) * positions;
        expect([...ids[k]!.subarray(row * positions, (row + 1) * positions)]).toEqual([...expected.subarray(at, at + positions)]);
      }
    }
  });

  it('asks nothing where a label is padding or ignored', () => {
    const text = { ...tinyText(), rows: 1 };
    expect([...batchOfLabels(TINY.decoder, Int32Array.of(1, 2, 3, 4, 64, IGNORED, 5, 6), text).weights]).toEqual([0.25, 0.25, 0.125, 0.125, 0, 0, 0.125, 0.125]);
  });
});

describe('microBatches', () => {
  const batch = batchOfClips(TOY, [...toyClips(4, 'parts'), ...toyClips(1, 'short', 5)]);

  it.each([[1, [5]], [2, [3, 2]], [3, [2, 1, 2]], [5, [1, 1, 1, 1, 1]], [9, [1, 1, 1, 1, 1]]])('cuts five rows into %i parts of nearly equal size', (count, rows) => {
    expect(microBatches(batch, count).map((part) => part.rows)).toEqual(rows);
  });

  it.each([1, 2, 3, 5])('has every row once, with the weight that it has among all: %i parts', (count) => {
    const parts = microBatches(batch, count);
    expect(parts.flatMap(({ labels }) => [...labels])).toEqual([...batch.labels]);
    expect(parts.flatMap(({ weights }) => [...weights])).toEqual([...batch.weights]);
    batch.ids.forEach((ids, k) => expect(parts.flatMap((part) => [...part.ids[k]!])).toEqual([...ids]));
    expect(parts.flatMap(({ text }) => [...text.mask])).toEqual([...batch.text.mask]);
  });
});
