import { describe, expect, it } from 'vitest';
import { newCodes } from '../../../genki/music/clip.ts';
import { delayCodes, delayedLength, isCode, type Layout, longestDelay, undelayCodes } from '../../../genki/music/delay-pattern.ts';
import { Random } from '../../../genki/protocol/random.ts';

describe('delay pattern', () => {
  it('moves each codebook one position later than the one before', () => {
    expect([...delayCodes([1, 2, 3, 4, 5, 6], { layout: { numCodebooks: 2 }, frames: 3 }, -1)]).toEqual([1, 2, 3, -1, -1, 4, 5, 6]);
  });

  it('moves left and right together in stereo', () => {
    const layout: Layout = { numCodebooks: 4, channels: 2 };
    expect([...delayCodes([1, 2, 3, 4, 5, 6, 7, 8], { layout, frames: 2 }, -1)]).toEqual([1, 2, -1, 3, 4, -1, -1, 5, 6, -1, 7, 8]);
    expect(longestDelay(layout)).toBe(1);
  });

  const LAYOUTS: readonly [Layout, number, number][] = [
    [{ numCodebooks: 1 }, 1, 64],
    [{ numCodebooks: 4 }, 1, 64],
    [{ numCodebooks: 4 }, 128, 64],
    [{ numCodebooks: 3 }, 7, 300],
    [{ numCodebooks: 8 }, 5, 2048],
    [{ numCodebooks: 8, channels: 2 }, 5, 2048],
    [{ numCodebooks: 8, channels: 2 }, 64, 64],
  ];

  it.each(LAYOUTS)('gives clips of %o of %i frames and %i codes back as they were', (layout, frames, vocabSize) => {
    const random = new Random(`delay ${JSON.stringify(layout)} ${frames}`);
    const codes = newCodes(vocabSize, layout.numCodebooks * frames).map(() => random.int(vocabSize));
    const delayed = delayCodes(codes, { layout, frames }, -100);
    expect(delayed.length).toBe(layout.numCodebooks * delayedLength(frames, layout));
    expect(undelayCodes(delayed, { decoder: { ...layout, vocabSize }, frames })).toEqual(codes);
  });

  it.each(LAYOUTS)('has a code exactly where a delayed clip of %o has one', (layout, frames) => {
    const length = delayedLength(frames, layout);
    const delayed = delayCodes(new Uint8Array(layout.numCodebooks * frames), { layout, frames }, -1);
    expect(Array.from(delayed, (code) => code !== -1)).toEqual(Array.from(delayed, (_, i) => isCode(layout, { position: i % length, k: Math.floor(i / length), frames })));
  });
});
