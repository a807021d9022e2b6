import { beforeAll, describe, expect, it } from 'vitest';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../../genki/errors.ts';
import { decodeUpdate, encodeUpdate, maxUpdateBytes } from '../../../../genki/federation/compression/update-codec.ts';
import { Codec } from '../../../../genki/protocol/exchange.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../../../genki/protocol/safetensors.ts';
import { bitsOf, layoutOfSizes, someUpdate, withLongerHeader } from './support/vectors.ts';

const TOP = Codec.parse({ kind: 'top-k', chunk: 64, keep: 1, feedback: 1 });
const TINY = Codec.parse({ kind: 'top-k', chunk: 16, keep: 1, feedback: 1 });
const DENSE = Codec.parse({ kind: 'dense' });

const row = (dtype: HostTensor['dtype'], data: HostTensor['data']): HostTensor => ({ shape: [data.length], dtype, data });
const topK = (size: number, chunk: number, keep: number) => ({ codec: 'top-k', format: 'genki-update', version: '1', size: `${size}`, chunk: `${chunk}`, keep: `${keep}` });
const textOf = (file: Uint8Array): string => Buffer.from(file).toString('latin1');

describe('the file of an update', () => {
  it('is worked by hand: 3.5 at 3 of 16 values', () => {
    const update = new Float32Array(16).fill(0.5);
    update[3] = -3.5;
    const { file, sent } = encodeUpdate(TINY, update);
    expect([...sent]).toEqual([0, 0, 0, -3.5, ...new Array<number>(12).fill(0)]);
    const header = '{"__metadata__":{"chunk":"16","codec":"top-k","format":"genki-update","keep":"1","size":"16","version":"1"},"levels":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"code":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}';
    const padded = 8 * Math.ceil(header.length / 8);
    expect(file.byteLength).toBe(8 + padded + 9);
    expect(textOf(file.subarray(0, 8))).toBe(String.fromCharCode(padded, 0, 0, 0, 0, 0, 0, 0));
    expect(textOf(file.subarray(8, 8 + padded))).toBe(header.padEnd(padded));
    // 3.5 and no larger one; then one more: 1, three left out: 0 0 1 1, minus: 1, which is the fraction .100111
    expect(Buffer.from(file.subarray(8 + padded)).toString('hex')).toBe('00006040' + '00000000' + '9c');
  });

  it('is worked by hand for float32: the values as they are, but for -0', () => {
    const { file, sent } = encodeUpdate(DENSE, Float32Array.of(1, -0, -2.5));
    expect(bitsOf(sent).toString('hex')).toBe('0000803f' + '00000000' + '000020c0');
    expect(Buffer.from(file.subarray(-12))).toEqual(bitsOf(sent));
  });

  it('is read bit for bit as what was sent, whatever the size and the codec', () => {
    const random = new Random('round trips');
    for (let round = 0; round < 150; round++) {
      const codec = round % 10 === 0 ? DENSE : Codec.parse({ kind: 'top-k', chunk: 2 ** (4 + random.int(9)), keep: 1 + random.int(random.pick([1, 8, 256])), feedback: 1 });
      const size = 1 + random.int(random.pick([20, 300, 5000]));
      const update = someUpdate(size, `${round}`, random.pick([0, 0.5, 0.999, 1]));
      const { file, sent } = encodeUpdate(codec, update);
      expect(bitsOf(decodeUpdate(codec, file, layoutOfSizes(size))).equals(bitsOf(sent))).toBe(true);
      expect(file.byteLength).toBeLessThanOrEqual(maxUpdateBytes(codec, layoutOfSizes(size)));
      expect(Buffer.compare(encodeUpdate(codec, sent).file, file)).toBe(0);
    }
  });

  it('holds two groups of different magnitudes, and one of none', () => {
    const update = new Float32Array(3 * 2 ** 16 + 5);
    update.set([1, 2], 100);
    update.set([-30, 40], 2 ** 17 + 64);
    update[update.length - 1] = 7;
    const { file, sent } = encodeUpdate(TOP, update);
    expect(bitsOf(decodeUpdate(TOP, file, layoutOfSizes(100, update.length - 100))).equals(bitsOf(sent))).toBe(true);
    expect([...decodeSafetensors(file).tensors.get('levels')!.data]).toEqual([2, 0, 0, 0, 40, 0, 7, 0]);
  });

  it('is 240 times smaller than float32, headers included, where nothing can be foreseen', () => {
    const random = new Random('hardest');
    const update = new Float32Array(1_123_680);
    for (let chunk = 0; chunk < update.length; chunk += 64) {
      const at = chunk + random.int(Math.min(64, update.length - chunk));
      if (random.int(257) > 0) update[at] = random.pick([-2, -1, 1, 2]);
    }
    const { file, sent } = encodeUpdate(TOP, update);
    expect(bitsOf(sent).equals(bitsOf(update))).toBe(true);
    expect((4 * update.length) / file.byteLength).toBeGreaterThan(249);
  });

  it('refuses values that are not finite, and a slice', () => {
    for (const codec of [TOP, DENSE]) expect(() => encodeUpdate(codec, Float32Array.of(1, NaN))).toThrow(InvalidInput);
    expect(() => encodeUpdate({ kind: 'slice', compression: 100, feedback: 1 }, new Float32Array(4))).toThrow(RangeError);
  });
});

describe('a file that is no update', () => {
  const size = 200;
  const layout = layoutOfSizes(150, 50);
  let file: Uint8Array;
  let dense: Uint8Array;
  beforeAll(() => {
    file = encodeUpdate(TINY, someUpdate(size, 'hostile')).file;
    dense = encodeUpdate(DENSE, someUpdate(size, 'hostile')).file;
  });

  const withTensors = (tensors: Record<string, HostTensor>, metadata: Record<string, string> = topK(size, 16, 1)): Uint8Array => encodeSafetensors(new Map(Object.entries(tensors)), metadata);
  const levels = (...values: number[]): HostTensor => row('F32', Float32Array.from(values));
  const code = (...bytes: number[]): HostTensor => row('U8', Uint8Array.from(bytes));

  it('is refused cut off anywhere, with a byte more, or with one changed, unless it is another update', () => {
    for (const whole of [file, dense]) {
      const codec = whole === file ? TINY : DENSE;
      for (let n = 0; n < whole.byteLength; n++) expect(() => decodeUpdate(codec, whole.subarray(0, n), layout)).toThrow(BadSubmission);
      expect(() => decodeUpdate(codec, Buffer.concat([whole, Buffer.of(0)]), layout)).toThrow(BadSubmission);
    }
    const original = decodeUpdate(TINY, file, layout);
    let others = 0;
    for (let at = 0; at < file.byteLength; at++) {
      const changed = file.slice();
      changed[at]! ^= 1 << at % 8;
      try {
        const update = decodeUpdate(TINY, changed, layout);
        others++;
        expect(bitsOf(update).equals(bitsOf(original))).toBe(false);
        expect(Buffer.compare(encodeUpdate(TINY, update).file, changed)).toBe(0);
      } catch (error) {
        expect([BadSubmission, NewerSchema]).toContain((error as Error).constructor);
      }
    }
    expect(others).toBeGreaterThan(0);
  });

  it.each([
    ['another size', () => decodeUpdate(TINY, file, layoutOfSizes(201)), 'Expected an update with size 201, got 200'],
    ['another codec', () => decodeUpdate(DENSE, file, layout), 'Expected an update with codec dense, got top-k'],
    ['another chunk', () => decodeUpdate(Codec.parse({ ...TINY, chunk: 32 }), file, layout), 'Expected an update with chunk 32, got 16'],
    ['no update at all', () => decodeUpdate(TINY, withTensors({ levels: levels(1, 0) }, {}), layout), 'Expected an update with format genki-update, got none'],
    ['another version', () => decodeUpdate(TINY, withTensors({ levels: levels(1, 0) }, { ...topK(size, 16, 1), version: '0' }), layout), 'Expected an update with version 1, got 0'],
    ['more metadata', () => decodeUpdate(TINY, withTensors({ levels: levels(0, 0), code: code() }, { ...topK(size, 16, 1), by: 'me' }), layout), 'got by too'],
    ['more tensors', () => decodeUpdate(TINY, withTensors({ levels: levels(0, 0), code: code(), more: code() }), layout), 'Expected an update of the tensors code, levels, got code, levels, more'],
    ['no tensors', () => decodeUpdate(TINY, withTensors({}), layout), 'got none'],
    ['another dtype', () => decodeUpdate(TINY, withTensors({ levels: levels(0, 0), code: levels(1) }), layout), 'Expected code to be one row of U8, got F32 [1]'],
    ['another shape', () => decodeUpdate(TINY, withTensors({ levels: { ...levels(0, 0), shape: [1, 2] }, code: code() }), layout), 'Expected levels to be one row of F32, got F32 [1, 2]'],
    ['another number of levels', () => decodeUpdate(TINY, withTensors({ levels: levels(0, 0, 0, 0), code: code() }), layout), 'Expected 2 levels of 200 values, got 4'],
    ['an infinite level', () => decodeUpdate(TINY, withTensors({ levels: levels(1, Infinity), code: code() }), layout), 'got 1 and Infinity'],
    ['a level that is no number', () => decodeUpdate(TINY, withTensors({ levels: levels(NaN, 0), code: code() }), layout), 'got NaN and 0'],
    ['levels that fall', () => decodeUpdate(TINY, withTensors({ levels: levels(2, 1), code: code() }), layout), 'got 2 and 1'],
    ['a negative level', () => decodeUpdate(TINY, withTensors({ levels: levels(-1, 0), code: code() }), layout), 'got -1 and 0'],
    ['a level that nothing has', () => decodeUpdate(TINY, withTensors({ levels: levels(1, 2), code: code() }), layout), 'Expected the one encoding'],
    ['-0 as a level', () => decodeUpdate(TINY, withTensors({ levels: levels(-0, 0), code: code() }), layout), 'Expected the one encoding'],
    ['code of nothing', () => decodeUpdate(TINY, withTensors({ levels: levels(0, 0), code: code(1) }), layout), 'Expected the one encoding'],
    ['a zero behind the code', () => decodeUpdate(TINY, withTensors({ levels: levels(0, 0), code: code(0) }), layout), 'Expected the one encoding'],
    ['values outside their chunk', () => decodeUpdate(TINY, withTensors({ levels: levels(1, 0), code: code(...new Array<number>(60).fill(255)) }), layout), 'Expected a value within a chunk of 8, got one at 15'],
    ['another header of the same', () => decodeUpdate(TINY, withLongerHeader(file), layout), 'Expected the one encoding'],
    ['too many bytes', () => decodeUpdate(TINY, withTensors({ levels: levels(1, 0), code: row('U8', new Uint8Array(maxUpdateBytes(TINY, layout))) }), layout), `Expected an update of at most ${maxUpdateBytes(TINY, layout)} bytes, got`],
    ['a value too few', () => decodeUpdate(DENSE, withTensors({ update: row('F32', new Float32Array(199)) }, { codec: 'dense', format: 'genki-update', version: '1', size: '200' }), layout), 'Expected an update of 200 values, got 199'],
    ['a value that is not finite', () => decodeUpdate(DENSE, withTensors({ update: row('F32', new Float32Array(200).fill(NaN)) }, { codec: 'dense', format: 'genki-update', version: '1', size: '200' }), layout), 'got NaN at 0'],
    ['-0', () => decodeUpdate(DENSE, withTensors({ update: row('F32', new Float32Array(200).fill(-0)) }, { codec: 'dense', format: 'genki-update', version: '1', size: '200' }), layout), 'got -0 at 0'],
  ])('is refused for %s', (_, decode, message) => {
    expect(decode).toThrow(BadSubmission);
    expect(decode).toThrow(message);
  });

  it('is left to newer software when its version is newer, whatever else it has', () => {
    for (const version of ['2', '37']) expect(() => decodeUpdate(TINY, withTensors({ news: code(1) }, { format: 'genki-update', version }), layout)).toThrow(NewerSchema);
    expect(() => decodeUpdate(TINY, withTensors({ news: code(1) }, { format: 'genki-update', version: '02' }), layout)).toThrow(BadSubmission);
    expect(() => decodeUpdate(TINY, withTensors({ news: code(1) }, { format: 'another', version: '2' }), layout)).toThrow(BadSubmission);
  });
});
