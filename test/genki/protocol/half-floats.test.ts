import { describe, expect, it } from 'vitest';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from '../../../genki/protocol/half-floats.ts';

const ALL = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer);

describe.each([
  ['binary16', widenF16, narrowF16, 0x7c00],
  ['bfloat16', widenBF16, narrowBF16, 0x7f80],
] as const)('%s', (_, widen, narrow, infinity) => {
  it('gives every pattern back, NaN payloads included', () => {
    expect(narrow(widen(ALL)).every((half, i) => half === i)).toBe(true);
  });

  it('rounds to the nearest, ties to even', () => {
    const halves = ALL.subarray(0, infinity);
    const values = widen(halves);
    for (let i = 0; i + 1 < halves.length; i += 7) {
      const [middle] = bits(Float32Array.of((values[i]! + values[i + 1]!) / 2));
      const neighbours = Uint32Array.of(middle! - 1, middle!, middle! + 1);
      expect([...narrow(new Float32Array(neighbours.buffer))]).toEqual([i, i % 2 === 0 ? i : i + 1, i + 1]);
    }
  });

  it('keeps NaN NaN, and turns what is too large into infinity', () => {
    const nan = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
    expect([...widen(narrow(nan))].every(Number.isNaN)).toBe(true);
    expect([...widen(narrow(Float32Array.of(3.4028235e38, -3.4028235e38)))]).toEqual([Infinity, -Infinity]);
  });
});

it('knows the halves of the standard', () => {
  expect([...widenF16(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x7c00, 0x3555))]).toEqual([1, -2, 65504, 2 ** -14, 2 ** -24, Infinity, 0.333251953125]);
  expect([...widenBF16(Uint16Array.of(0x3f80, 0xc000, 0x4049))]).toEqual([1, -2, 3.140625]);
  expect(bits(widenF16(Uint16Array.of(0x8000)))).toEqual(Uint32Array.of(0x80000000));
});
