import { describe, expect, it } from 'vitest';
import { checkSameCodes, type Composer, ourComposer } from '../../bench/composers.ts';

const composer = (codes: readonly number[]): Composer => ({ name: 'theirs', compose: async () => [], likeliest: async () => codes });
const TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

describe('two composers', () => {
  it('may differ in one code of ten', async () => {
    await expect(checkSameCodes('generate', composer(TEN), composer(TEN.with(4, 0)))).resolves.toBeUndefined();
  });

  it('are refused where they differ in two of ten', async () => {
    await expect(checkSameCodes('generate', composer(TEN), composer(TEN.with(4, 0).with(5, 0)))).rejects.toThrow('generate: expected theirs to compose the same codes, got 80.0 % of them');
  });

  it('are refused where one composes more than the other', async () => {
    await expect(checkSameCodes('generate', composer(TEN), composer([...TEN, 0]))).rejects.toThrow('generate: expected theirs to compose the same codes');
  });

  it('are ours by chance for the time, and the likeliest to compare', async () => {
    const asked: number[] = [];
    const ours = ourComposer(async ({ temperature }) => [Uint8Array.of(asked.push(temperature)), Uint8Array.of(7)]);
    expect(await ours.compose(2)).toHaveLength(2);
    expect(await ours.likeliest()).toEqual([3, 7]);
    expect(asked).toEqual([1, 1, 0]);
  });
});
