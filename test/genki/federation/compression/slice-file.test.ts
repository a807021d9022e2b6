import { describe, expect, it } from 'vitest';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../../genki/errors.ts';
import { LEAF, leavesOf, merkleRoot, openLeaves } from '../../../../genki/federation/compression/merkle.ts';
import { auditPositions, sliceIndices } from '../../../../genki/federation/compression/slice.ts';
import { AUDITED, decodeSlice, encodeSlice, maxSliceBytes, type SliceTerms } from '../../../../genki/federation/compression/slice-file.ts';
import { maxUpdateBytes } from '../../../../genki/federation/compression/update-codec.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../../../genki/protocol/safetensors.ts';
import { bitsOf, hashOf, layoutOfSizes, someUpdate, withLongerHeader } from './support/vectors.ts';

const layout = layoutOfSizes(4000, 70, 9, 1);
const update = someUpdate(layout.size, 'slices', 0.1);
const terms: SliceTerms = { layout, compression: 10, blockHash: hashOf('1'), auditSeed: '2'.repeat(64) };
const root = merkleRoot(update);
const file = encodeSlice(update, terms);

/** The file with other values of a tensor. */
function forged(change: (tensors: Map<string, HostTensor>) => void, metadata: Record<string, string> = {}): Uint8Array {
  const read = decodeSafetensors(file);
  const tensors = new Map(read.tensors);
  change(tensors);
  return encodeSafetensors(tensors, { ...read.metadata, ...metadata });
}
/** The slice with other values at some places, and the proofs that it is asked for then. */
function madeUp(of: SliceTerms, where: (at: number) => boolean): Uint8Array {
  const other = update.slice();
  sliceIndices(layout, of.compression, of.blockHash).forEach((index, at) => { if (where(at)) other[index]! += 1; });
  const { tensors, metadata } = decodeSafetensors(encodeSlice(other, of));
  const indices = sliceIndices(layout, of.compression, of.blockHash);
  const audited = leavesOf([...auditPositions(tensors.get('values')!.data as Float32Array, of.auditSeed, AUDITED)].map((position) => indices[position]!));
  const { values, hashes } = openLeaves(update, audited);
  return encodeSafetensors(new Map([...tensors, ['leaves', floats(values)], ['hashes', { shape: [hashes.byteLength], dtype: 'U8' as const, data: hashes }]]), metadata);
}
const floats = (data: Float32Array): HostTensor => ({ shape: [data.length], dtype: 'F32', data });

describe('the file of a slice', () => {
  it('is read as the update where the block says, and as 0 elsewhere', () => {
    const expected = new Float32Array(layout.size);
    for (const index of sliceIndices(layout, 10, terms.blockHash)) expected[index] = update[index]!;
    expect(bitsOf(decodeSlice(file, { ...terms, root })).equals(bitsOf(expected))).toBe(true);
    expect(file.byteLength).toBeLessThan(maxSliceBytes(terms, layout));
    expect(maxUpdateBytes({ kind: 'slice', compression: 10, feedback: 1 }, layout)).toBe(maxSliceBytes(terms, layout));
  });

  it('holds no indices: 407 values, and the leaves that are audited', () => {
    const { tensors } = decodeSafetensors(file);
    expect([...tensors.keys()].sort()).toEqual(['hashes', 'leaves', 'values']);
    expect(tensors.get('values')!.data).toHaveLength(400 + 7 + 1 + 1);
  });

  it('is read of one value, and of a compression that leaves one of each tensor', () => {
    for (const sizes of [[1], [1, 1], [31], [32], [33, 5]]) {
      const small = layoutOfSizes(...sizes);
      const values = someUpdate(small.size, sizes.join());
      values[0] = -0;
      const of = { ...terms, layout: small, compression: 1000 };
      const read = decodeSlice(encodeSlice(values, of), { ...of, root: merkleRoot(values) });
      expect([...read].every((value, i) => value === 0 || value === values[i])).toBe(true);
      expect(read.some((value) => Object.is(value, -0))).toBe(false);
    }
  });

  it('is found out if values are false, but for (1 − f)^64 at most', () => {
    // every 50th value, f = 2.2 %: at most 24 % escape; other values in the audited leaves are looked at too
    const f = 9 / 409;
    let escaped = 0;
    for (let trial = 0; trial < 60; trial++) {
      const of = { ...terms, auditSeed: trial.toString(16).padStart(64, '0') };
      try {
        decodeSlice(madeUp(of, (at) => at % 50 === 7), { ...of, root });
        escaped++;
      } catch (error) {
        expect(error).toBeInstanceOf(BadSubmission);
        expect((error as Error).message).toMatch(/as it was committed/);
      }
    }
    const bound = (1 - f) ** 64;
    expect(escaped / 60).toBeLessThan(bound + 3 * Math.sqrt((bound * (1 - bound)) / 60));
  });

  it('cannot be made up where the audit does not look: it looks elsewhere then', () => {
    const indices = sliceIndices(layout, 10, terms.blockHash);
    const seen = new Set(leavesOf([...auditPositions(decodeSafetensors(file).tensors.get('values')!.data as Float32Array, terms.auditSeed, AUDITED)].map((position) => indices[position]!)));
    const isHidden = (at: number): boolean => !seen.has(Math.floor(indices[at]! / LEAF));
    expect(indices.filter((_, at) => isHidden(at)).length).toBeGreaterThan(150);
    expect(() => decodeSlice(madeUp(terms, isHidden), { ...terms, root })).toThrow('as it was committed');
  });

  it.each([
    ['another root', () => decodeSlice(file, { ...terms, root: merkleRoot(someUpdate(layout.size, 'another')) }), 'Expected leaves of the update with the root'],
    ['another audit', () => decodeSlice(file, { ...terms, root, auditSeed: '3'.repeat(64) }), 'Expected'],
    ['another block', () => decodeSlice(file, { ...terms, root, blockHash: hashOf('3') }), 'Expected'],
    ['another compression', () => decodeSlice(file, { ...terms, root, compression: 20 }), 'Expected an update with compression 20, got 10'],
    ['another layout', () => decodeSlice(file, { ...terms, root, layout: layoutOfSizes(4080, 1) }), 'Expected an update with size 4081, got 4080'],
    ['tensors that are cut otherwise', () => decodeSlice(file, { ...terms, root, layout: layoutOfSizes(4079, 1) }), 'Expected a slice of 408 values, got 409'],
    ['a value too few', () => decodeSlice(forged((tensors) => tensors.set('values', floats(new Float32Array(408)))), { ...terms, root }), 'Expected a slice of 409 values, got 408'],
    ['a value that is not finite', () => decodeSlice(forged((tensors) => tensors.set('values', floats(new Float32Array(409).fill(Infinity)))), { ...terms, root }), 'got Infinity at 0'],
    ['-0', () => decodeSlice(forged((tensors) => tensors.set('values', floats(new Float32Array(409).fill(-0)))), { ...terms, root }), 'got -0 at 0'],
    ['fewer leaves', () => decodeSlice(forged((tensors) => tensors.set('leaves', floats(new Float32Array(32)))), { ...terms, root }), 'values in'],
    ['fewer hashes', () => decodeSlice(forged((tensors) => tensors.set('hashes', { shape: [0], dtype: 'U8', data: new Uint8Array(0) })), { ...terms, root }), 'bytes of hashes'],
    ['another header of the same', () => decodeSlice(withLongerHeader(file), { ...terms, root }), 'Expected the one encoding'],
    ['a byte more', () => decodeSlice(Buffer.concat([file, Buffer.of(0)]), { ...terms, root }), 'Expected'],
  ])('is refused for %s', (_, decode, message) => {
    expect(decode).toThrow(BadSubmission);
    expect(decode).toThrow(message);
  });

  it('is left to newer software when its version is newer', () => {
    expect(() => decodeSlice(forged(() => undefined, { version: '2' }), { ...terms, root })).toThrow(NewerSchema);
  });

  it('is not made of what is not finite, or of another length', () => {
    expect(() => encodeSlice(update.map((value, i) => (i === 5 ? NaN : value)), terms)).toThrow(InvalidInput);
    expect(() => encodeSlice(update.subarray(1), terms)).toThrow('Expected an update of 4080 values, got 4079');
  });
});
