import { BadSubmission, InvalidInput } from '../../errors.ts';
import type { Layout } from '../layout.ts';
import { HASH_BYTES, LEAF, leavesOf, openLeaves, rootOfOpening } from './merkle.ts';
import { auditPositions, sliceIndices, sliceSize } from './slice.ts';
import { checkCanonical, checkValues, MAX_HEAD_BYTES, readUpdateFile, type Terms, writeUpdateFile } from './update-file.ts';

/** Values of a slice that are audited. */
export const AUDITED = 64;

/** Which slice: of the values in `compression` one, chosen by a block; and the seed of what of it is audited. */
export type SliceTerms = { readonly layout: Layout; readonly compression: number; readonly blockHash: string; readonly auditSeed: string };

/**
 * The slice of an update as a file: its values in the order of `sliceIndices`, which are not sent, and the leaves of the
 * audited ones with the hashes beside them, so that they can be seen to be those whose root was signed before.
 * @param update what `merkleRoot` was taken of, [layout.size]
 * @throws {InvalidInput} when it has another length, or a value that is not finite
 */
export function encodeSlice(update: Float32Array, { layout, compression, blockHash, auditSeed }: SliceTerms): Uint8Array {
  if (update.length !== layout.size) throw new InvalidInput(`Expected an update of ${layout.size} values, got ${update.length}`);
  if (!update.every(Number.isFinite)) throw new InvalidInput('Expected an update of finite values, got one that is not');
  const indices = sliceIndices(layout, compression, blockHash);
  const values = Float32Array.from(indices, (index) => update[index]! + 0);
  const { values: leaves, hashes } = openLeaves(update, auditedLeaves({ indices, values }, auditSeed));
  return write(termsOf(layout, compression), { values, leaves, hashes });
}

/**
 * The slice that a file from outside holds, as an update whose other values are 0, [layout.size]. Every value in an audited
 * leaf is checked against the root; how hard it is to have others overlooked, says `auditPositions`.
 * @param root what its miner signed before the window was closed, 64 hex digits
 * @throws {BadSubmission} when it is not this slice of the update with that root, naming what is expected
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function decodeSlice(file: Uint8Array, { root, ...of }: SliceTerms & { readonly root: string }): Float32Array {
  const { layout, compression } = of;
  const tensors = readUpdateFile(file, { terms: termsOf(layout, compression), dtypes: { values: 'F32', leaves: 'F32', hashes: 'U8' }, maxBytes: maxSliceBytes(of, layout) });
  const values = tensors.get('values')!.data as Float32Array;
  const leaves = tensors.get('leaves')!.data as Float32Array;
  const hashes = tensors.get('hashes')!.data as Uint8Array;
  const slice = scatter(values, of);
  checkValues('a slice', values);
  checkValues('audited leaves', leaves);
  const audited = auditedLeaves({ indices: slice.indices, values }, of.auditSeed);
  const got = rootOfOpening({ values: leaves, hashes }, { size: layout.size, leaves: audited });
  if (got !== root) throw new BadSubmission(`Expected leaves of the update with the root ${root}, got some of ${got}`);
  checkAudited(slice, audited, leaves);
  checkCanonical(file, write(termsOf(layout, compression), { values, leaves, hashes }));
  return slice.update;
}

/** More bytes than any slice's file has. */
export function maxSliceBytes({ compression }: { readonly compression: number }, layout: Layout): number {
  const depth = Math.ceil(Math.log2(Math.ceil(layout.size / LEAF)));
  return MAX_HEAD_BYTES + 4 * sliceSize(layout, compression) + AUDITED * (4 * LEAF + HASH_BYTES * depth);
}

type Slice = { readonly indices: Uint32Array; readonly update: Float32Array };

function scatter(values: Float32Array, { layout, compression, blockHash }: SliceTerms): Slice {
  const expected = sliceSize(layout, compression);
  if (values.length !== expected) throw new BadSubmission(`Expected a slice of ${expected} values, got ${values.length}`);
  const indices = sliceIndices(layout, compression, blockHash);
  const update = new Float32Array(layout.size);
  indices.forEach((index, i) => (update[index] = values[i]!));
  return { indices, update };
}

const auditedLeaves = ({ indices, values }: { readonly indices: Uint32Array; readonly values: Float32Array }, auditSeed: string): number[] => leavesOf(Array.from(auditPositions(values, auditSeed, AUDITED), (position) => indices[position]!));

function checkAudited({ indices, update }: Slice, audited: readonly number[], leaves: Float32Array): void {
  const firstOf = new Map(audited.map((leaf, i) => [leaf, i * LEAF] as const));
  for (const index of indices) {
    const at = firstOf.get(Math.floor(index / LEAF));
    if (at === undefined) continue;
    const committed = leaves[at + (index % LEAF)]!;
    if (update[index] !== committed) throw new BadSubmission(`Expected the value ${committed} at ${index}, as it was committed, got ${update[index]}`);
  }
}

const termsOf = ({ size }: Layout, compression: number): Terms => ({ codec: 'slice', size, compression });

function write(terms: Terms, { values, leaves, hashes }: { values: Float32Array; leaves: Float32Array; hashes: Uint8Array }): Uint8Array {
  return writeUpdateFile(terms, new Map([
    ['values', { shape: [values.length], dtype: 'F32', data: values }],
    ['leaves', { shape: [leaves.length], dtype: 'F32', data: leaves }],
    ['hashes', { shape: [hashes.byteLength], dtype: 'U8', data: hashes }],
  ]));
}
