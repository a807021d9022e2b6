import { describe, expect, it } from 'vitest';
import { delayCodes, delayedLength, isCode, undelayCodes } from '../../../genki/music/delay-pattern.ts';
import { Random } from '../../../genki/protocol/random.ts';

describe('delay pattern', () => {
  it('moves each codebook one position later than the one before', () => {
    const codes = [1, 2, 3, 4, 5, 6];
    expect([...delayCodes(codes, { numCodebooks: 2, frames: 3 }, -1)]).toEqual([1, 2, 3, -1, -1, 4, 5, 6]);
  });

  it.each([[1, 1], [4, 1], [4, 128], [3, 7], [8, 5]])('gives %i codebooks of %i frames back as they were', (numCodebooks, frames) => {
    const random = new Random(`delay ${numCodebooks} ${frames}`);
    const codes = Uint8Array.from({ length: numCodebooks * frames }, () => random.int(64));
    const delayed = delayCodes(codes, { numCodebooks, frames }, -100);
    expect(delayed.length).toBe(numCodebooks * delayedLength(frames, numCodebooks));
    expect(undelayCodes(delayed, { numCodebooks, frames })).toEqual(codes);
  });

  it('has a code exactly where a delayed clip has one', () => {
    const shape = { numCodebooks: 4, frames: 6 };
    const length = delayedLength(shape.frames, shape.numCodebooks);
    const delayed = delayCodes(new Uint8Array(24), shape, -1);
    expect(Array.from(delayed, (code) => code !== -1)).toEqual(Array.from(delayed, (_, i) => isCode(i % length, Math.floor(i / length), shape.frames)));
  });
});
