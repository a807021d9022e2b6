import { describe, expect, it } from 'vitest';
import { lyingHeader, oversized, truncated, withInfinity, withNaN, wrongDtype, wrongShape } from '../../../genki/attacks/broken-files.ts';
import { BadSubmission } from '../../../genki/errors.ts';
import { initialAdapter } from '../../../genki/music/adapted-net.ts';
import { decodeAdapter, encodeAdapter } from '../../../genki/music/lora.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { decodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { TOY, TOY_LORA } from '../music/support/toys.ts';

const file = encodeAdapter(initialAdapter(TOY, TOY_LORA, new Random('honest')));
const read = (bytes: Uint8Array) => decodeAdapter(bytes, { music: TOY, lora: TOY_LORA });

describe('a file', () => {
  it.each([
    ['cut in half', truncated, /bytes of tensors|Expected a header/],
    ['with bytes behind its end', (bytes: Uint8Array) => oversized(bytes, 1), /bytes of tensors/],
    ['whose header lies', lyingHeader, /Expected a header of at most/],
  ])('%s is refused by every reader', (_, breaks, reason) => {
    for (const reader of [read, decodeSafetensors]) {
      expect(() => reader(breaks(file))).toThrow(BadSubmission);
      expect(() => reader(breaks(file))).toThrow(reason);
    }
  });

  it.each([
    ['not a number', withNaN, 'to be finite, got NaN'],
    ['infinite', withInfinity, 'to be finite, got Infinity'],
    ['of another shape', wrongShape, /to be F32 \[(\d+), (\d+)\], got F32 \[\2, \1\]/],
    ['of another dtype', wrongDtype, /to be F32 (\[.+\]), got F16 \1/],
  ])('that is %s is a sound file, and no adapter', (_, breaks, reason) => {
    expect(decodeSafetensors(breaks(file)).tensors.size).toBe(decodeSafetensors(file).tensors.size);
    expect(() => read(breaks(file))).toThrow(BadSubmission);
    expect(() => read(breaks(file))).toThrow(reason);
  });

  it('that was broken is another one: the original stays', () => {
    const before = file.slice();
    for (const breaks of [truncated, lyingHeader, withNaN, withInfinity, wrongShape, wrongDtype]) breaks(file);
    expect(file).toEqual(before);
    expect(read(file).layers.size).toBeGreaterThan(0);
  });
});
