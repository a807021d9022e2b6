import { BadSubmission, NewerSchema } from '../../errors.ts';
import { decodeSafetensors, encodeSafetensors, type Dtype, type TensorMap } from '../../protocol/safetensors.ts';

/**
 * A window's update as a safetensors file. Its metadata say what it is: {format, version} and the terms of its codec, each
 * as text. One update has one file, so digests find copies.
 */
const FORMAT = 'genki-update';
const VERSION = 1;

/** More bytes than what stands before the tensors, of any codec. */
export const MAX_HEAD_BYTES = 1024;
const LIMITS = { maxTensors: 16, maxHeaderBytes: MAX_HEAD_BYTES - 8 };

/** What the metadata say beside format and version. */
export type Terms = Readonly<Record<string, string | number>>;

export const writeUpdateFile = (terms: Terms, tensors: TensorMap): Uint8Array => encodeSafetensors(tensors, metadataOf(terms));

/**
 * The tensors of an update's file from outside, each of the dtype that is expected.
 * @param maxBytes more than any file of these terms has, its head included
 * @throws {BadSubmission} naming what is not as expected
 * @throws {NewerSchema} when it is written in a newer version than ours
 */
export function readUpdateFile(file: Uint8Array, { terms, dtypes, maxBytes }: { terms: Terms; dtypes: Readonly<Record<string, Dtype>>; maxBytes: number }): TensorMap {
  if (file.byteLength > maxBytes) throw new BadSubmission(`Expected an update of at most ${maxBytes} bytes, got ${file.byteLength}`);
  const { tensors, metadata } = decodeSafetensors(file, LIMITS);
  checkMetadata(metadata, metadataOf(terms));
  const names = Object.keys(dtypes).sort();
  const got = [...tensors.keys()].sort();
  if (got.join() !== names.join()) throw new BadSubmission(`Expected an update of the tensors ${names.join(', ')}, got ${got.join(', ').slice(0, 80) || 'none'}`);
  for (const [name, { dtype, shape }] of tensors) {
    if (dtype !== dtypes[name] || shape.length !== 1) throw new BadSubmission(`Expected ${name} to be one row of ${dtypes[name]}, got ${dtype} [${shape.join(', ')}]`);
  }
  return tensors;
}

/** @throws {BadSubmission} when what a file stands for is written in other bytes */
export function checkCanonical(file: Uint8Array, again: Uint8Array): void {
  if (Buffer.compare(file, again) !== 0) throw new BadSubmission(`Expected the one encoding of an update, ${again.byteLength} bytes, got another of ${file.byteLength}`);
}

/** @throws {BadSubmission} naming the first value that no update has */
export function checkValues(name: string, values: Float32Array): void {
  const at = values.findIndex((value) => !Number.isFinite(value) || Object.is(value, -0));
  if (at !== -1) throw new BadSubmission(`Expected ${name} of finite values, and no -0, got ${Object.is(values[at], -0) ? '-0' : values[at]} at ${at}`);
}

const metadataOf = (terms: Terms): Record<string, string> =>
  Object.fromEntries(Object.entries({ format: FORMAT, version: VERSION, ...terms }).map(([name, value]) => [name, String(value)]));

function checkMetadata(got: Readonly<Record<string, string>>, expected: Readonly<Record<string, string>>): void {
  const version = /^[1-9]\d{0,8}$/.test(got['version'] ?? '') ? Number(got['version']) : 0;
  if (got['format'] === FORMAT && version > VERSION) throw new NewerSchema(`Expected an update of version ${VERSION}, got ${version}`);
  for (const [name, value] of Object.entries(expected)) {
    if (got[name] !== value) throw new BadSubmission(`Expected an update with ${name} ${value}, got ${got[name]?.slice(0, 80) ?? 'none'}`);
  }
  const surplus = Object.keys(got).find((name) => !Object.hasOwn(expected, name));
  if (surplus !== undefined) throw new BadSubmission(`Expected an update with ${Object.keys(expected).join(', ')}, got ${surplus.slice(0, 80)} too`);
}
