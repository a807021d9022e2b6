import { describe, expect, it } from 'vitest';
import type { Conv } from '../../../../genki/music/encodec/layers.ts';
import { convPadding, reachOf, transposeTrim } from '../../../../genki/music/encodec/padding.ts';

const conv = (kernel: number, stride = 1, dilation = 1): Conv => ({ kind: 'conv', name: '', in: 1, out: 1, kernel, stride, dilation });
const transpose = (kernel: number, stride: number) => ({ kind: 'convTranspose', name: '', in: 1, out: 1, kernel, stride }) as const;

describe('convPadding', () => {
  it('adds the half at each end, the odd one at the left', () => {
    expect(convPadding({ isCausal: false }, conv(7), 10)).toEqual({ left: 3, right: 3 });
    expect(convPadding({ isCausal: false }, conv(10, 5), 10)).toEqual({ left: 3, right: 2 });
    expect(convPadding({ isCausal: false }, conv(3, 1, 4), 10)).toEqual({ left: 4, right: 4 });
  });

  it('adds all at the left where it is causal', () => {
    expect(convPadding({ isCausal: true }, conv(7), 10)).toEqual({ left: 6, right: 0 });
  });

  it('makes the last window whole', () => {
    expect(convPadding({ isCausal: true }, conv(8, 4), 10)).toEqual({ left: 4, right: 2 });
    expect(convPadding({ isCausal: false }, conv(8, 4), 9)).toEqual({ left: 2, right: 5 });
  });

  it('leaves ⌈length / stride⌉ windows, and nothing over', () => {
    for (const isCausal of [true, false])
      for (let stride = 1; stride < 9; stride++)
        for (let length = 1; length < 40; length++) {
          const layer = conv(2 * stride, stride);
          const { left, right } = convPadding({ isCausal }, layer, length);
          expect(left + length + right - reachOf(layer)).toBe((Math.ceil(length / stride) - 1) * stride);
        }
  });
});

describe('transposeTrim', () => {
  it('cuts off the half at each end, the odd one at the left', () => {
    expect(transposeTrim({ isCausal: false, trimRightRatio: 1 }, transpose(10, 5))).toEqual({ left: 3, right: 2 });
  });

  it('cuts off the part at the right that it is told, where it is causal', () => {
    expect(transposeTrim({ isCausal: true, trimRightRatio: 1 }, transpose(10, 5))).toEqual({ left: 0, right: 5 });
    expect(transposeTrim({ isCausal: true, trimRightRatio: 0.5 }, transpose(10, 5))).toEqual({ left: 2, right: 3 });
    expect(transposeTrim({ isCausal: true, trimRightRatio: 0 }, transpose(10, 5))).toEqual({ left: 5, right: 0 });
  });
});
