import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import * as z from 'zod';
import { InvalidInput } from '../../errors.ts';
import type { Call } from '../chain.ts';
import type { ByteReader, ByteWriter } from './byte-codec.ts';

/** Widest raw field that the encoding carries, in bytes; a chain's own limit is in its genesis. */
const MAX_DATA = 512;
/** More weights than any subnet has neurons. */
const MAX_WEIGHTS = 4096;

const U16 = z.int().min(0).max(65535);
const CallSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('setCommitment'), netuid: U16, data: z.string().regex(/^([0-9a-f]{2})*$/, 'expected lower-case hex').max(2 * MAX_DATA) }),
  z.strictObject({
    kind: z.literal('setWeights'),
    netuid: U16,
    uids: z.array(U16).max(MAX_WEIGHTS),
    weights: z.array(U16).max(MAX_WEIGHTS),
    versionKey: z.int().min(0),
  }),
  z.strictObject({ kind: z.literal('register'), netuid: U16 }),
  z.strictObject({ kind: z.literal('triggerEpoch'), netuid: U16 }),
]);

const KINDS = ['setCommitment', 'setWeights', 'register', 'triggerEpoch'] as const;

/** Appends a call: kind u8, netuid u16, then its fields; lists and data after a u16 length. @throws {InvalidInput} on a value that does not fit */
export function writeCall(writer: ByteWriter, call: Call): void {
  const parsed = CallSchema.safeParse(call);
  if (!parsed.success) throw new InvalidInput(`Expected a call that can be encoded: ${z.prettifyError(parsed.error)}`);
  writer.uint(KINDS.indexOf(call.kind), 1).uint(call.netuid, 2);
  if (call.kind === 'setCommitment') writer.uint(call.data.length / 2, 2).raw(hexToBytes(call.data));
  if (call.kind === 'setWeights') {
    for (const list of [call.uids, call.weights]) {
      writer.uint(list.length, 2);
      for (const value of list) writer.uint(value, 2);
    }
    writer.uint(call.versionKey, 8);
  }
}

/** The call at the reader's place. @throws {RangeError} on anything that `writeCall` does not write */
export function readCall(reader: ByteReader): Call {
  const kind = KINDS[reader.uint(1)];
  if (kind === undefined) throw new RangeError(`Expected one of ${KINDS.length} kinds of call`);
  const netuid = reader.uint(2);
  switch (kind) {
    case 'setCommitment':
      return { kind, netuid, data: bytesToHex(reader.raw(atMost(MAX_DATA, reader.uint(2)))) };
    case 'setWeights':
      return { kind, netuid, uids: readList(reader), weights: readList(reader), versionKey: reader.uint(8) };
    case 'register':
    case 'triggerEpoch':
      return { kind, netuid };
  }
}

const readList = (reader: ByteReader): number[] => Array.from({ length: atMost(MAX_WEIGHTS, reader.uint(2)) }, () => reader.uint(2));

function atMost(limit: number, length: number): number {
  if (length > limit) throw new RangeError(`Expected a length of at most ${limit}, got ${length}`);
  return length;
}
