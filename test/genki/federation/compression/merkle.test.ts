import { describe, expect, it } from 'vitest';
import { BadSubmission } from '../../../../genki/errors.ts';
import { leavesOf, merkleRoot, openLeaves, rootOfOpening } from '../../../../genki/federation/compression/merkle.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { someUpdate } from './support/vectors.ts';

const quarters = Float32Array.from({ length: 100 }, (_, i) => i / 4);

describe('the Merkle root of an update', () => {
  // test/goldens/make_compression_goldens.py
  it('is the published one', () => {
    expect(merkleRoot(Float32Array.of(0.5))).toBe('045822647d85b2a151c6b0852ef8cdda9ecb4fb97e0ac90f999107ecc5d3bc6f');
    expect(merkleRoot(quarters)).toBe('50aa9b518420fc67ce4f92721ed49698a131c08b8f93f3afd9c3cf84b6b70490');
  });

  it('is another one for another value, order or length', () => {
    const changed = quarters.slice();
    changed[99]! += 2 ** -18;
    const swapped = Float32Array.from([...quarters.subarray(32, 64), ...quarters.subarray(0, 32), ...quarters.subarray(64)]);
    const longer = Float32Array.from([...quarters, 0]);
    expect(new Set([quarters, changed, swapped, longer, quarters.subarray(0, 96)].map(merkleRoot)).size).toBe(5);
    expect(merkleRoot(Float32Array.of(-0))).toBe(merkleRoot(Float32Array.of(0)));
  });

  it('is found again from any leaves and the hashes beside them', () => {
    const random = new Random('openings');
    for (let round = 0; round < 200; round++) {
      const update = someUpdate(1 + random.int(1500), `${round}`);
      const leaves = leavesOf(Array.from({ length: 1 + random.int(8) }, () => random.int(update.length)));
      const opening = openLeaves(update, leaves);
      expect(rootOfOpening(opening, { size: update.length, leaves })).toBe(merkleRoot(update));
      opening.values[random.int(opening.values.length)]! += 1;
      expect(rootOfOpening(opening, { size: update.length, leaves })).not.toBe(merkleRoot(update));
    }
  });

  it('takes exactly the hashes beside: one for each of four leaves but the opened one and its neighbour', () => {
    const { values, hashes } = openLeaves(quarters, [2]);
    expect([...values]).toEqual([...quarters.subarray(64, 96)]);
    expect(hashes).toHaveLength(2 * 32);
    const of = { size: 100, leaves: [2] };
    for (const wrong of [hashes.subarray(1), hashes.subarray(0, 32), Buffer.concat([hashes, hashes])]) expect(() => rootOfOpening({ values, hashes: wrong }, of)).toThrow(BadSubmission);
    expect(() => rootOfOpening({ values: values.subarray(1), hashes }, of)).toThrow('Expected 32 values in 1 leaves, got 31');
  });

  it('knows an opening of another length or place', () => {
    const opening = openLeaves(quarters, [2]);
    expect(rootOfOpening(opening, { size: 101, leaves: [2] })).not.toBe(merkleRoot(quarters));
    expect(rootOfOpening(opening, { size: 100, leaves: [1] })).not.toBe(merkleRoot(quarters));
  });
});
