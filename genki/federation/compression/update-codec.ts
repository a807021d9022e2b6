import { BadSubmission, InvalidInput } from '../../errors.ts';
import type { Codec } from '../../protocol/exchange.ts';
import type { HostTensor } from '../../protocol/safetensors.ts';
import type { Layout } from '../layout.ts';
import { toFourLevels } from './four-levels.ts';
import { maxSliceBytes } from './slice-file.ts';
import { levelsOf, maxCodeBytes, readTopK, writeTopK } from './top-k-code.ts';
import { checkCanonical, checkValues, MAX_HEAD_BYTES, readUpdateFile, type Terms, writeUpdateFile } from './update-file.ts';

type WholeCodec = Exclude<Codec, { kind: 'slice' }>;
type TopKCodec = Extract<Codec, { kind: 'top-k' }>;

/**
 * An update as a file, and what the file stands for: bit for bit what `decodeUpdate` returns.
 *
 * Keeping one of 64 it is 1/252 of float32 for windows of `ruby-nano`, headers included, and 1/249 where nothing can be
 * foreseen: a value's place takes at most 6 bits, its sign 1 and its magnitude 1, against 32 for each of 64.
 * @param update finite; -0 counts as 0
 * @throws {InvalidInput} when a value is not finite
 * @throws {RangeError} for the codec `slice`, whose part is not known before the window is closed: `encodeSlice`
 */
export function encodeUpdate(codec: Codec, update: Float32Array): { file: Uint8Array; sent: Float32Array } {
  const whole = wholeOf(codec);
  const sent = whole.kind === 'top-k' ? toFourLevels(update, whole) : finiteCopy(update);
  return { file: write(whole, sent), sent };
}

/**
 * The update that a file from outside stands for, [layout.size]. Every length is checked before anything is allocated, which
 * is never more than the layout and the file.
 * @throws {BadSubmission} when it is not the one encoding of an update of this codec and layout, naming what is expected
 * @throws {NewerSchema} when it is written in a newer version than ours
 * @throws {RangeError} for the codec `slice`: `decodeSlice`
 */
export function decodeUpdate(codec: Codec, file: Uint8Array, { size }: Layout): Float32Array {
  const whole = wholeOf(codec);
  const update = whole.kind === 'top-k' ? readLevels(whole, file, size) : readValues(whole, file, size);
  checkCanonical(file, write(whole, update));
  return update;
}

/** More bytes than any file of a codec has: what a reader fetches at most, and a writer need not fear. */
export function maxUpdateBytes(codec: Codec, layout: Layout): number {
  if (codec.kind === 'slice') return maxSliceBytes(codec, layout);
  const { size } = layout;
  return MAX_HEAD_BYTES + (codec.kind === 'dense' ? 4 * size : 4 * levelsOf(size) + maxCodeBytes(size, codec));
}

function readLevels(codec: TopKCodec, file: Uint8Array, size: number): Float32Array {
  const maxBytes = MAX_HEAD_BYTES + 4 * levelsOf(size) + maxCodeBytes(size, codec);
  const tensors = readUpdateFile(file, { terms: termsOf(codec, size), dtypes: { levels: 'F32', code: 'U8' }, maxBytes });
  return readTopK({ levels: tensors.get('levels')!.data as Float32Array, code: tensors.get('code')!.data as Uint8Array }, { ...codec, size });
}

function readValues(codec: WholeCodec, file: Uint8Array, size: number): Float32Array {
  const tensors = readUpdateFile(file, { terms: termsOf(codec, size), dtypes: { update: 'F32' }, maxBytes: MAX_HEAD_BYTES + 4 * size });
  const update = tensors.get('update')!.data as Float32Array;
  if (update.length !== size) throw new BadSubmission(`Expected an update of ${size} values, got ${update.length}`);
  checkValues('an update', update);
  return update;
}

function write(codec: WholeCodec, sent: Float32Array): Uint8Array {
  const row = (dtype: HostTensor['dtype'], data: HostTensor['data']): HostTensor => ({ shape: [data.length], dtype, data });
  if (codec.kind === 'dense') return writeUpdateFile(termsOf(codec, sent.length), new Map([['update', row('F32', sent)]]));
  const { levels, code } = writeTopK(sent, codec);
  return writeUpdateFile(termsOf(codec, sent.length), new Map([['levels', row('F32', levels)], ['code', row('U8', code)]]));
}

const termsOf = (codec: WholeCodec, size: number): Terms => ({ codec: codec.kind, size, ...(codec.kind === 'top-k' && { chunk: codec.chunk, keep: codec.keep }) });

function finiteCopy(update: Float32Array): Float32Array {
  const copy = new Float32Array(update.length);
  for (let i = 0; i < copy.length; i++) {
    copy[i] = update[i]! + 0; // -0 + 0 is 0
    if (!Number.isFinite(copy[i])) throw new InvalidInput(`Expected an update of finite values, got ${copy[i]} at ${i}`);
  }
  return copy;
}

function wholeOf(codec: Codec): WholeCodec {
  if (codec.kind === 'slice') throw new RangeError('Expected the codec top-k or dense, got slice, which a block chooses after the window');
  return codec;
}
