import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ArithmeticDecoder, ArithmeticEncoder } from '../../../../genki/federation/compression/arithmetic-coder.ts';
import { Random } from '../../../../genki/protocol/random.ts';

type Bit = readonly [context: number, bit: number];

function encode(bits: readonly Bit[], contexts = 3): Uint8Array {
  const encoder = new ArithmeticEncoder(contexts);
  for (const [context, bit] of bits) encoder.write(context, bit);
  return encoder.finish();
}

/** Three contexts with a 1 in 3, 500 and 995 of 1000 bits. */
function someBits(n: number, seed: string): Bit[] {
  const random = new Random(seed);
  return Array.from({ length: n }, () => {
    const context = random.int(3);
    return [context, random.int(1000) < [3, 500, 995][context]! ? 1 : 0];
  });
}

describe('the arithmetic coder', () => {
  it('halves the interval with each bit of a context that has seen nothing', () => {
    // 1 0 0 1 1 1 is the binary fraction .100111
    expect([...encode([1, 0, 0, 1, 1, 1].map((bit, context) => [context, bit] as const), 6)]).toEqual([0b10011100]);
  });

  it('expects three times what it has seen once', () => {
    // after a 1 the second one has three quarters: [1/2, 1) -> [5/8, 1) -> the third five sixths: from 5/8 + 3/8 * 1/6
    expect([...encode([[0, 1], [0, 1], [0, 1]])]).toEqual([Math.ceil(256 * (5 / 8 + 3 / 48))]);
  });

  it('writes no bytes for the lowest of all', () => {
    expect([...encode([])]).toEqual([]);
    expect([...encode(Array.from({ length: 1000 }, () => [0, 0] as const))]).toEqual([]);
  });

  // test/goldens/make_compression_goldens.py
  it('writes the published bytes', () => {
    expect(Buffer.from(encode([[0, 1], [0, 1], [1, 0], [0, 1], [1, 0], [0, 0], [1, 1], [0, 1], [0, 1], [0, 1], [1, 0], [1, 0]])).toString('hex')).toBe('ab7e');
    expect(Buffer.from(encode(someBits(40, 'bits'))).toString('hex')).toBe('932208');
    const long = encode(someBits(200_000, 'bits'));
    expect([long.byteLength, createHash('sha256').update(long).digest('hex')]).toEqual([8901, '620a3ca0fc9acc39e0781c5dee416f4f3220022b01f3e91965a2563edcc7f6db']);
  });

  it('comes within a hundredth of the entropy, and 40 bytes', () => {
    const entropy = [0.003, 0.5, 0.995].reduce((sum, p) => sum - p * Math.log2(p) - (1 - p) * Math.log2(1 - p), 0) / 3;
    expect(encode(someBits(100_000, 'entropy')).byteLength).toBeLessThan((1.01 * 100_000 * entropy) / 8 + 40);
  });

  it('reads what it wrote, also by carries through many bytes', () => {
    const random = new Random('round trips');
    for (let round = 0; round < 300; round++) {
      const bits = someBits(random.int(400), `${round}`).map(([context, bit]) => (round % 3 === 0 ? ([context, 1] as const) : ([context, bit] as const)));
      const bytes = encode(bits);
      expect(bytes.at(-1)).not.toBe(0);
      const decoder = new ArithmeticDecoder(3, bytes);
      expect(bits.map(([context]) => decoder.read(context))).toEqual(bits.map(([, bit]) => bit));
    }
  });
});
