import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import * as z from 'zod';
import { InvalidInput } from '../../errors.ts';
import type { Call, CommitmentField } from '../chain.ts';
import { ipNumber, ipText } from '../ip.ts';
import { decodeHotkey, encodeHotkey, isHotkey } from '../keys.ts';
import type { ByteReader, ByteWriter } from './byte-codec.ts';

/** Widest payload of a field that the encoding carries, in bytes; a chain's own limit for raw ones is in its genesis. */
const MAX_DATA = 512;
const FIELD_KINDS = ['raw', 'bigRaw', 'blake2b256', 'sha256', 'keccak256', 'sha3-256'] as const satisfies readonly CommitmentField['kind'][];
const MAX_FIELDS = 3;
/** More weights than any subnet has neurons. */
const MAX_WEIGHTS = 4096;
const MAX_SALT = 1024;
/** The runtime's own limit. */
const MAX_TIMELOCKED_BYTES = 5000;
const MAX_U64 = 2n ** 64n - 1n;

const U8 = z.int().min(0).max(255);
const U16 = z.int().min(0).max(65535);
const U32 = z.int().min(0).max(0xffffffff);
const SafeInt = z.int().min(0);
const Hex = z.string().regex(/^([0-9a-f]{2})*$/, 'expected lower-case hex');
const Hash = z.string().regex(/^0x[0-9a-f]{64}$/, 'expected 0x and 64 hex digits');
const U64 = z.string().regex(/^(0|[1-9]\d{0,19})$/, 'expected a decimal integer').refine((text) => BigInt(text) <= MAX_U64, 'expected a u64');
const Field = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['raw', 'bigRaw']), data: Hex.max(2 * MAX_DATA) }),
  z.strictObject({ kind: z.enum(['blake2b256', 'sha256', 'keccak256', 'sha3-256']), data: Hex.length(64) }),
]);
const Row = { uids: z.array(U16).max(MAX_WEIGHTS), weights: z.array(U16).max(MAX_WEIGHTS), versionKey: SafeInt };

/** One of our own calls, from outside. */
export const CallSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('setCommitment'), netuid: U16, fields: z.array(Field).min(1).max(MAX_FIELDS) }),
  z.strictObject({ kind: z.literal('setWeights'), netuid: U16, ...Row }),
  z.strictObject({ kind: z.literal('register'), netuid: U16, hotkey: z.string().refine(isHotkey, 'expected an SS58 address with prefix 42'), limitPrice: U64.nullable() }),
  z.strictObject({ kind: z.literal('triggerEpoch'), netuid: U16 }),
  z.strictObject({ kind: z.literal('commitWeights'), netuid: U16, hash: Hash }),
  z.strictObject({ kind: z.literal('setMechanismWeights'), netuid: U16, mecid: U8, ...Row }),
  z.strictObject({ kind: z.literal('serveAxon'), netuid: U16, ip: z.union([z.ipv4(), z.ipv6()]), port: U16, protocol: U8, version: U32 }),
  z.strictObject({ kind: z.literal('revealWeights'), netuid: U16, ...Row, salt: z.array(U16).max(MAX_SALT) }),
  z.strictObject({ kind: z.literal('commitTimelockedWeights'), netuid: U16, commit: Hex.max(2 * MAX_TIMELOCKED_BYTES), revealRound: SafeInt, version: U16 }),
]);

/** A kind's place is its byte on the wire. */
const KINDS = ['setCommitment', 'setWeights', 'register', 'triggerEpoch', 'commitWeights', 'revealWeights', 'commitTimelockedWeights', 'setMechanismWeights', 'serveAxon'] as const satisfies readonly Call['kind'][];

/**
 * Appends a call: kind u8, netuid u16, then its fields in the order of the type; lists and bytes after a u16 length,
 * a hotkey as its public key, an address after its IP version, an optional value after a byte 0 or 1.
 *
 * @throws {InvalidInput} on a value that does not fit
 */
export function writeCall(writer: ByteWriter, call: Call): void {
  const parsed = CallSchema.safeParse(call);
  if (!parsed.success) throw new InvalidInput(`Expected a call that can be encoded: ${z.prettifyError(parsed.error)}`);
  writer.uint(KINDS.indexOf(call.kind), 1).uint(call.netuid, 2);
  switch (call.kind) {
    case 'setCommitment':
      writer.uint(call.fields.length, 1);
      for (const { kind, data } of call.fields) writeBytes(writer.uint(FIELD_KINDS.indexOf(kind), 1), data);
      return;
    case 'setMechanismWeights':
      writeList(writeList(writer.uint(call.mecid, 1), call.uids), call.weights).uint(call.versionKey, 8);
      return;
    case 'serveAxon':
      writeIp(writer, call.ip).uint(call.port, 2).uint(call.protocol, 1).uint(call.version, 4);
      return;
    case 'setWeights':
      writeList(writeList(writer, call.uids), call.weights).uint(call.versionKey, 8);
      return;
    case 'revealWeights':
      writeList(writeList(writeList(writer, call.uids), call.weights), call.salt).uint(call.versionKey, 8);
      return;
    case 'commitWeights':
      writer.raw(hexToBytes(call.hash.slice(2)));
      return;
    case 'commitTimelockedWeights':
      writeBytes(writer, call.commit).uint(call.revealRound, 8).uint(call.version, 2);
      return;
    case 'register':
      writer.raw(decodeHotkey(call.hotkey)).uint(call.limitPrice === null ? 0 : 1, 1);
      if (call.limitPrice !== null) writer.u64(BigInt(call.limitPrice));
      return;
    case 'triggerEpoch':
      return;
  }
}

/** The call at the reader's place. @throws {RangeError} on anything that `writeCall` does not write */
export function readCall(reader: ByteReader): Call {
  const kind = KINDS[reader.uint(1)];
  if (kind === undefined) throw new RangeError(`Expected one of ${KINDS.length} kinds of call`);
  const netuid = reader.uint(2);
  switch (kind) {
    case 'setCommitment':
      return { kind, netuid, fields: Array.from({ length: fieldCount(reader.uint(1)) }, () => readField(reader)) };
    case 'setWeights':
      return { kind, netuid, uids: readList(reader), weights: readList(reader), versionKey: reader.uint(8) };
    case 'setMechanismWeights':
      return { kind, netuid, mecid: reader.uint(1), uids: readList(reader), weights: readList(reader), versionKey: reader.uint(8) };
    case 'serveAxon':
      return { kind, netuid, ip: readIp(reader), port: reader.uint(2), protocol: reader.uint(1), version: reader.uint(4) };
    case 'revealWeights':
      return { kind, netuid, uids: readList(reader), weights: readList(reader), salt: readList(reader, MAX_SALT), versionKey: reader.uint(8) };
    case 'commitWeights':
      return { kind, netuid, hash: `0x${bytesToHex(reader.raw(32))}` };
    case 'commitTimelockedWeights':
      return { kind, netuid, commit: readBytes(reader, MAX_TIMELOCKED_BYTES), revealRound: reader.uint(8), version: reader.uint(2) };
    case 'register':
      return { kind, netuid, hotkey: encodeHotkey(reader.raw(32)), limitPrice: readFlag(reader) ? String(reader.u64()) : null };
    case 'triggerEpoch':
      return { kind, netuid };
  }
}

function writeList(writer: ByteWriter, list: readonly number[]): ByteWriter {
  writer.uint(list.length, 2);
  for (const value of list) writer.uint(value, 2);
  return writer;
}

const writeBytes = (writer: ByteWriter, hex: string): ByteWriter => writer.uint(hex.length / 2, 2).raw(hexToBytes(hex));

function writeIp(writer: ByteWriter, ip: string): ByteWriter {
  const { type, value } = ipNumber(ip);
  return writer.uint(type, 1).u64(value & MAX_U64).u64(value >> 64n);
}

function readIp(reader: ByteReader): string {
  const type = reader.uint(1);
  if (type !== 4 && type !== 6) throw new RangeError(`Expected IP version 4 or 6, got ${type}`);
  const value = reader.u64() | (reader.u64() << 64n);
  if (type === 4 && value > 0xffffffffn) throw new RangeError('Expected an IPv4 address of 32 bits');
  return ipText({ type, value });
}

const readList = (reader: ByteReader, limit = MAX_WEIGHTS): number[] => Array.from({ length: atMost(limit, reader.uint(2)) }, () => reader.uint(2));

const readBytes = (reader: ByteReader, limit: number): string => bytesToHex(reader.raw(atMost(limit, reader.uint(2))));

function readField(reader: ByteReader): CommitmentField {
  const kind = FIELD_KINDS[reader.uint(1)];
  if (kind === undefined) throw new RangeError(`Expected one of ${FIELD_KINDS.length} kinds of field`);
  const data = readBytes(reader, MAX_DATA);
  const isHash = kind !== 'raw' && kind !== 'bigRaw';
  if (isHash && data.length !== 64) throw new RangeError(`Expected a hash of 32 bytes, got ${data.length / 2}`);
  return { kind, data };
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.uint(1);
  if (flag > 1) throw new RangeError(`Expected 0 or 1, got ${flag}`);
  return flag === 1;
}

function fieldCount(count: number): number {
  if (count < 1 || count > MAX_FIELDS) throw new RangeError(`Expected 1 to ${MAX_FIELDS} fields, got ${count}`);
  return count;
}

function atMost(limit: number, length: number): number {
  if (length > limit) throw new RangeError(`Expected a length of at most ${limit}, got ${length}`);
  return length;
}
