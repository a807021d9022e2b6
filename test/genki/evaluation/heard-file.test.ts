import { describe, expect, it } from 'vitest';
import { BadSubmission, InvalidInput } from '../../../genki/errors.ts';
import { decodeHeard, encodeHeard } from '../../../genki/evaluation/clap/heard-file.ts';
import { encodeSafetensors } from '../../../genki/protocol/safetensors.ts';

const vector = (...values: number[]): Float32Array => Float32Array.from(values);

describe('a file of what was heard', () => {
  it('comes back bit for bit, clips of different lengths too', () => {
    const heard = [{ clip: vector(0.1, -0), windows: [vector(1, 2)] }, { clip: vector(3, 4), windows: [vector(5, 6), vector(7, 8), vector(1e-40, 9)] }];
    expect(decodeHeard(encodeHeard(heard))).toEqual(heard);
  });

  it('refuses embeddings of another width, and what is none', () => {
    expect(() => encodeHeard([{ clip: vector(1, 2), windows: [vector(1, 2)] }, { clip: vector(1), windows: [vector(1)] }])).toThrow('Expected embeddings of 2 numbers, got 1');
    expect(() => decodeHeard(encodeHeard([]))).toThrow(InvalidInput);
    expect(() => decodeHeard(encodeHeard([{ clip: vector(1, 2), windows: [] }]))).toThrow('windows.0');
    const codes = encodeSafetensors(new Map([['clips', { dtype: 'U8', shape: [1, 2], data: new Uint8Array(2) }]]));
    expect(() => decodeHeard(codes)).toThrow('Expected embeddings clips F32 [n, d], got U8 [1, 2]');
    expect(() => decodeHeard(new Uint8Array(4))).toThrow(BadSubmission);
  });
});
