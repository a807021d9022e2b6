import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { decodeGram, encodeGram } from '../../../genki/evaluation/gram-file.ts';

describe('a Gram matrix as a file', () => {
  it('comes back bit for bit', () => {
    const gram = [[1 / 3], [-0, 2 ** -1074], [NaN, Infinity, 1e300]];
    expect(decodeGram(encodeGram(gram), 3)).toEqual(gram);
    expect(decodeGram(encodeGram([]), 0)).toEqual([]);
  });

  it('is refused where it is of another round', () => {
    expect(() => decodeGram(encodeGram([[1], [1, 2]]), 3)).toThrow(InvalidInput);
    expect(() => decodeGram(encodeGram([[1]]).slice(1), 1)).toThrow('Expected a Gram matrix of 1 rows in 16 bytes, got 15');
    expect(() => decodeGram(new Uint8Array(32), 2)).toThrow(InvalidInput);
  });
});
