import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from '../../../../genki/engine/onnx/protobuf.ts';

const hex = (writer: ProtobufWriter): string => Buffer.from(writer.finish()).toString('hex');

// the first three are the worked examples of the Protocol Buffers encoding specification
describe('ProtobufWriter', () => {
  it('writes an integer in groups of seven bits', () => {
    expect(hex(new ProtobufWriter().integer(1, 150))).toBe('089601');
  });
  it('writes a string behind its length', () => {
    expect(hex(new ProtobufWriter().string(2, 'testing'))).toBe('120774657374696e67');
  });
  it('writes a message inside a message', () => {
    expect(hex(new ProtobufWriter().message(3, (inner) => inner.integer(1, 150)))).toBe('1a03089601');
  });
  it('writes a negative integer in ten bytes', () => {
    expect(hex(new ProtobufWriter().integer(1, -1))).toBe('08ffffffffffffffffff01');
  });
  it('writes 0, and the largest field of one byte', () => {
    expect(hex(new ProtobufWriter().integer(15, 0))).toBe('7800');
    expect(hex(new ProtobufWriter().integer(16, 127))).toBe('80017f');
  });
  it('writes a float in little-endian order', () => {
    expect(hex(new ProtobufWriter().float(1, 1.5))).toBe('0d0000c03f');
  });
  it('counts the length in bytes, not in characters', () => {
    expect(hex(new ProtobufWriter().string(1, 'é'))).toBe('0a02c3a9');
  });
});
