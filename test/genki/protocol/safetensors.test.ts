import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BadSubmission, InvalidInput } from '../../../genki/errors.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors, type Dtype, type HostTensor, type TensorMap } from '../../../genki/protocol/safetensors.ts';

/** A file with any header, whatever it claims. */
function fileOf(header: string | Record<string, unknown>, body: number | Uint8Array = 0, claimed?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(text.byteLength));
  return Buffer.concat([length, text, typeof body === 'number' ? new Uint8Array(body) : body]);
}

const f32 = (...values: number[]): HostTensor => ({ dtype: 'F32', shape: [values.length], data: Float32Array.from(values) });

function randomTensors(seed: string): TensorMap {
  const random = new Random(seed);
  const dtypes: Dtype[] = ['F32', 'I32', 'I64', 'F16', 'BF16', 'U16', 'U8'];
  const tensors = new Map<string, HostTensor>();
  for (let n = random.int(8); n >= 0; n--) {
    const dtype = random.pick(dtypes);
    const shape = Array.from({ length: random.int(4) }, () => random.int(5));
    const length = shape.reduce((a, b) => a * b, 1);
    const bytes = Uint8Array.from({ length: length * 4 }, () => random.int(256));
    // multiples of ½ below 64 are exact in every float
    const floats = Float32Array.from({ length }, () => (random.int(256) - 128) / 2);
    const data = dtype === 'U8' ? bytes.slice(0, length) : dtype === 'U16' ? new Uint16Array(bytes.buffer, 0, length) : dtype === 'I32' || dtype === 'I64' ? new Int32Array(bytes.buffer) : floats;
    tensors.set(random.pick(['', 'ü', '10', '9', '__proto__', 'a.b', 'constructor', 'lora_A.weight']) + n, { dtype, shape, data });
  }
  return tensors;
}

describe('encodeSafetensors', () => {
  it('writes the documented bytes', () => {
    const file = encodeSafetensors(new Map<string, HostTensor>([['b', { dtype: 'U8', shape: [2], data: Uint8Array.of(7, 8) }], ['a', f32(1)]]), { made: 'here' });
    const header = '{"__metadata__":{"made":"here"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}'.padEnd(144);
    expect(Buffer.from(file).toString('latin1')).toBe(`${String.fromCharCode(144, 0, 0, 0, 0, 0, 0, 0)}${header}\0\0\x80?\x07\x08`);
  });

  it.each(Array.from({ length: 30 }, (_, i) => i))('gives back what was written (seed %i)', (seed) => {
    const tensors = randomTensors(`tensors ${seed}`);
    const metadata = { format: 'pt', 'a "quoted" key': '\u0000\n' };
    const file = encodeSafetensors(tensors, metadata);
    const decoded = decodeSafetensors(file);
    expect(decoded.tensors).toEqual(tensors);
    expect(decoded.metadata).toEqual(metadata);
    expect(Buffer.compare(encodeSafetensors(decoded.tensors, decoded.metadata), file)).toBe(0);
    const reordered = new Map(new Random(`order ${seed}`).shuffle([...tensors]));
    expect(Buffer.compare(encodeSafetensors(reordered, metadata), file)).toBe(0);
  });

  it.each(['adapter-qv/adapter_model', 'lora-all', 'loss', 'tiny-musicgen/model'])('writes %s byte for byte as the reference library did', (name) => {
    const golden = readFileSync(new URL(`../../goldens/${name}.safetensors`, import.meta.url));
    const { tensors, metadata } = decodeSafetensors(golden);
    expect(Buffer.compare(encodeSafetensors(tensors, metadata), golden)).toBe(0);
  });

  it('lays every tensor at a multiple of its width', () => {
    const file = encodeSafetensors(randomTensors('alignment'));
    const length = Number(new DataView(file.buffer).getBigUint64(0, true));
    const widths = { I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U16: 2, U8: 1 };
    const header = JSON.parse(Buffer.from(file.subarray(8, 8 + length)).toString()) as Record<string, { dtype: Dtype; data_offsets: [number, number] }>;
    for (const { dtype, data_offsets } of Object.values(header)) expect((8 + length + data_offsets[0]) % widths[dtype]).toBe(0);
  });

  it.each<[string, HostTensor]>([
    ['too few values', { dtype: 'F32', shape: [2], data: Float32Array.of(1) }],
    ['16-bit integers that are bytes', { dtype: 'U16', shape: [1], data: Uint8Array.of(1) }],
    ['floats that are bytes', { dtype: 'F32', shape: [1], data: Uint8Array.of(1) }],
    ['a fractional shape', { dtype: 'U8', shape: [0.5, 2], data: Uint8Array.of(1) }],
    ['a negative shape', { dtype: 'U8', shape: [-1, -1], data: Uint8Array.of(1) }],
  ])('refuses %s', (_, tensor) => {
    expect(() => encodeSafetensors(new Map([['a', tensor]]))).toThrow(InvalidInput);
  });

  it('refuses a tensor with the name of the metadata', () => {
    expect(() => encodeSafetensors(new Map([['__metadata__', f32(1)]]))).toThrow(InvalidInput);
  });
});

describe('decodeSafetensors', () => {
  it('reads a part of a larger buffer, wherever it lies', () => {
    const tensors = new Map([['a', f32(1, 2, 3)]]);
    const file = encodeSafetensors(tensors);
    const larger = Buffer.concat([Buffer.from('xyz'), file, Buffer.from('more')]);
    const decoded = decodeSafetensors(larger.subarray(3, 3 + file.byteLength)).tensors;
    larger.fill(0);
    expect(decoded).toEqual(tensors);
  });

  it('lets NaN, infinity and negative zero through as they are', () => {
    const { tensors } = decodeSafetensors(encodeSafetensors(new Map([['a', f32(NaN, Infinity, -Infinity, -0)]])));
    expect(tensors.get('a')?.data).toEqual(Float32Array.of(NaN, Infinity, -Infinity, -0));
  });

  it('widens halves and narrows 64-bit integers', () => {
    const body = Buffer.alloc(20);
    body.writeBigInt64LE(-5n, 0);
    body.writeBigInt64LE(2147483647n, 8);
    body.writeUInt16LE(0x3555, 16);
    body.writeUInt16LE(0x4049, 18);
    const header = { i: { dtype: 'I64', shape: [2], data_offsets: [0, 16] }, f: { dtype: 'F16', shape: [], data_offsets: [16, 18] }, b: { dtype: 'BF16', shape: [1], data_offsets: [18, 20] } };
    const { tensors } = decodeSafetensors(fileOf(header, body));
    expect([...tensors.values()].map(({ data }) => data)).toEqual([Int32Array.of(-5, 2147483647), Float32Array.of(0.333251953125), Float32Array.of(3.140625)]);
    body.writeBigInt64LE(2147483648n, 8);
    expect(() => decodeSafetensors(fileOf(header, body))).toThrow('Expected tensor i to hold integers of 32 bits, got 2147483648');
  });

  it('reads an empty file of tensors, and tensors without elements', () => {
    expect(decodeSafetensors(fileOf('{}')).tensors.size).toBe(0);
    const { tensors } = decodeSafetensors(fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] }, empty: { dtype: 'F32', shape: [3, 0], data_offsets: [0, 0] } }, 4));
    expect(tensors.get('empty')?.data).toHaveLength(0);
  });

  const one = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  const big = Number.MAX_SAFE_INTEGER;
  it.each<[string, Uint8Array, string]>([
    ['no bytes', new Uint8Array(0), 'got 0 bytes'],
    ['seven bytes', new Uint8Array(7), 'got 7 bytes'],
    ['a header longer than the file', fileOf('{}', 0, 3n), 'at most 2 bytes, got one of 3'],
    ['a header of 2^53 bytes', fileOf('{}', 0, 2n ** 53n), 'got one of 9007199254740992'],
    ['a header of 2^64 - 1 bytes', fileOf('{}', 0, 2n ** 64n - 1n), 'got one of 18446744073709551615'],
    ['an empty header', fileOf(''), 'in JSON'],
    ['a pickle', Buffer.from('\x80\x02}q\x00.PK\x03\x04 not tensors at all'), 'header of at most'],
    ['a header that is not UTF-8', fileOf('', Uint8Array.of(0x22, 0xff, 0x22), 3n), 'UTF-8'],
    ['a header with a byte order mark', fileOf('\ufeff{}'), 'in JSON'],
    ['a header that is a list', fileOf('[]'), 'object of tensors'],
    ['a header that is null', fileOf('null'), 'object of tensors'],
    ['a deep header', fileOf('['.repeat(100_000)), 'of at most 3 levels'],
    ['a shape too deep to be quoted', fileOf(`{"a":{"dtype":"F32","shape":${'['.repeat(50_000)}${']'.repeat(50_000)},"data_offsets":[0,4]}}`, 4), 'of at most 3 levels'],
    ['a name twice', fileOf('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), 'each name once'],
    ['a name twice, once escaped', fileOf('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), 'each name once'],
    ['a field twice', fileOf('{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), 'each name once'],
    ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), 'each name once'],
    ['metadata that are no strings', fileOf({ __metadata__: { a: 1 } }), 'object of strings'],
    ['metadata that are a list', fileOf({ __metadata__: ['a'] }), 'object of strings'],
    ['an unknown dtype', fileOf({ a: { ...one, dtype: 'F8_E4M3' } }, 4), 'to have dtype I64, F32, I32, F16, BF16, U16, U8, got "F8_E4M3"'],
    ['64-bit floats', fileOf({ a: { ...one, dtype: 'F64', data_offsets: [0, 8] } }, 8), 'got "F64"'],
    ['a dtype of the prototype', fileOf({ a: { ...one, dtype: 'constructor' } }, 4), 'got "constructor"'],
    ['no dtype', fileOf({ a: { shape: [1], data_offsets: [0, 4] } }, 4), 'got undefined'],
    ['an unknown field', fileOf({ a: { ...one, strides: [1] } }, 4), 'got strides'],
    ['a tensor that is null', fileOf({ a: null }), 'to have dtype'],
    ['a shape that is a number', fileOf({ a: { ...one, shape: 1 } }, 4), 'got 1'],
    ['a negative length', fileOf({ a: { ...one, shape: [-1] } }, 4), 'got [-1]'],
    ['a fractional length', fileOf({ a: { ...one, shape: [1.5] } }, 4), 'got [1.5]'],
    ['a length of 2^53', fileOf({ a: { ...one, shape: [2 ** 53] } }, 4), 'a shape'],
    ['a length of 1e400', fileOf('{"a":{"dtype":"U8","shape":[1e400],"data_offsets":[0,4]}}', 4), 'a shape'],
    ['a product beyond 2^53', fileOf({ a: { ...one, shape: [big, big] } }, 4), `at most ${big} elements`],
    ['a product that wraps to 1 in 64 bits', fileOf({ a: { ...one, shape: [2 ** 32 + 1, 2 ** 32 - 1, 3] } }, 4), `at most ${big} elements`],
    ['nine dimensions', fileOf({ a: { ...one, shape: [1, 1, 1, 1, 1, 1, 1, 1, 1] } }, 4), 'at most 8 lengths'],
    ['one offset', fileOf({ a: { ...one, data_offsets: [0] } }, 4), 'two data_offsets'],
    ['an end before the beginning', fileOf({ a: { ...one, data_offsets: [4, 0] } }, 4), 'to begin at byte 0, got 4'],
    ['more bytes than the shape has', fileOf({ a: { ...one, data_offsets: [0, 8] } }, 8), 'to end at byte 4, got 8'],
    ['fewer bytes than the shape has', fileOf({ a: { ...one, shape: [2] } }, 4), 'to end at byte 8, got 4'],
    ['overlapping tensors', fileOf({ a: one, b: { ...one, data_offsets: [2, 6] } }, 6), 'to begin at byte 4, got 2'],
    ['two tensors on the same bytes', fileOf({ a: one, b: one }, 4), 'to begin at byte 4, got 0'],
    ['a hole', fileOf({ a: one, b: { ...one, data_offsets: [8, 12] } }, 12), 'to begin at byte 4, got 8'],
    ['a hole at the start', fileOf({ a: { ...one, data_offsets: [4, 8] } }, 8), 'to begin at byte 0, got 4'],
    ['trailing bytes', fileOf({ a: one }, 5), 'Expected 4 bytes of tensors, got 5'],
    ['a truncated body', fileOf({ a: one }, 3), 'Expected 4 bytes of tensors, got 3'],
    ['offsets beyond the file', fileOf({ a: { dtype: 'U8', shape: [big], data_offsets: [0, big] } }, 4), `Expected ${big} bytes of tensors, got 4`],
  ])('refuses %s', (_, file, reason) => {
    expect(() => decodeSafetensors(file)).toThrow(BadSubmission);
    expect(() => decodeSafetensors(file)).toThrow(reason);
  });

  it('keeps to the limits of its caller', () => {
    const file = encodeSafetensors(new Map([['a', f32(1, 2)], ['b', f32(3)]]));
    expect(decodeSafetensors(file, { maxTensors: 2, maxElements: 3 }).tensors.size).toBe(2);
    expect(() => decodeSafetensors(file, { maxTensors: 1 })).toThrow('Expected at most 1 tensors, got 2');
    expect(() => decodeSafetensors(file, { maxElements: 2 })).toThrow('Expected at most 2 elements, got more at tensor b');
    expect(() => decodeSafetensors(file, { maxHeaderBytes: 100 })).toThrow('Expected a header of at most 100 bytes');
  });

  it('never throws anything but BadSubmission, whatever byte of a file is changed', () => {
    const file = encodeSafetensors(randomTensors('mutations'), { a: 'b' });
    const random = new Random('mutations');
    for (let i = 0; i < 3000; i++) {
      const changed = file.slice(0, random.chance(0.1) ? random.int(file.byteLength) : file.byteLength);
      for (let n = random.int(3); n >= 0; n--) changed[random.int(changed.byteLength || 1)] = random.int(256);
      try {
        decodeSafetensors(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(BadSubmission);
      }
    }
  });
});

describe('contentDigest', () => {
  const tensors = new Map([['a', f32(1, 2)], ['b', f32(3)]]);

  it('is the published vector', () => {
    // sha256 of `["a","F32",[2]]\n` 0000803f00000040 `["b","F32",[1]]\n` 00004040, by Python's hashlib
    expect(contentDigest(tensors)).toBe('cYnvXsJKkz7HHN61mLfN2MaxtilQOjnSQDkn3h1zKuk=');
  });

  it('stays when a header is reordered or annotated', () => {
    const reordered = fileOf('{"b":{"shape":[1],"dtype":"F32","data_offsets":[0,4]}, "a":{"dtype":"F32","data_offsets":[4,12],"shape":[2]}}', new Uint8Array(Float32Array.of(3, 1, 2).buffer));
    for (const file of [encodeSafetensors(tensors), encodeSafetensors(tensors, { by: 'me' }), reordered]) {
      expect(contentDigest(decodeSafetensors(file).tensors)).toBe(contentDigest(tensors));
    }
  });

  it.each<[string, TensorMap]>([
    ['value', new Map([['a', f32(1, 2)], ['b', f32(4)]])],
    ['sign of zero', new Map([['a', f32(1, 2)], ['b', f32(-0)]])],
    ['name', new Map([['a', f32(1, 2)], ['c', f32(3)]])],
    ['shape', new Map([['a', { ...f32(1, 2), shape: [2, 1] }], ['b', f32(3)]])],
    ['dtype', new Map<string, HostTensor>([['a', f32(1, 2)], ['b', { ...f32(3), dtype: 'BF16' }]])],
    ['border between two tensors', new Map([['a', f32(1)], ['b', f32(2, 3)]])],
  ])('changes with a %s', (_, other) => {
    expect(contentDigest(other)).not.toBe(contentDigest(tensors));
  });
});
