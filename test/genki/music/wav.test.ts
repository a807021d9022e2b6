import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { decodeWav, encodeWav } from '../../../genki/music/wav.ts';

const wave = Float32Array.from({ length: 101 }, (_, i) => 0.9 * Math.sin(i / 5));
const file = encodeWav(wave, 32_000);
const changed = (at: number, ...bytes: number[]): Uint8Array => {
  const copy = file.slice();
  copy.set(bytes, at);
  return copy;
};

describe('WAV', () => {
  it('has the header of the format', () => {
    const view = new DataView(encodeWav(Float32Array.of(0, 1, -1, 2), 8000).buffer);
    expect(view.byteLength).toBe(52);
    expect([4, 16, 24, 28, 40].map((at) => view.getUint32(at, true))).toEqual([44, 16, 8000, 16_000, 8]);
    expect([20, 22, 32, 34].map((at) => view.getUint16(at, true))).toEqual([1, 1, 2, 16]);
    expect([44, 46, 48, 50].map((at) => view.getInt16(at, true))).toEqual([0, 32_767, -32_767, 32_767]);
  });

  it('comes back within half a step of 16 bits, and exactly the second time', () => {
    const { samples, sampleRate } = decodeWav(file);
    expect(sampleRate).toBe(32_000);
    samples.forEach((x, i) => expect(Math.abs(x - wave[i]!)).toBeLessThanOrEqual(0.5 / 32_767 + 1e-7));
    expect(encodeWav(samples, sampleRate)).toEqual(file);
  });

  it('interleaves two channels', () => {
    const view = new DataView(encodeWav([Float32Array.of(0, 1), Float32Array.of(-1, 0.5)], 8000).buffer);
    expect([20, 22, 32, 34].map((at) => view.getUint16(at, true))).toEqual([1, 2, 4, 16]);
    expect([28, 40].map((at) => view.getUint32(at, true))).toEqual([32_000, 8]);
    expect([44, 46, 48, 50].map((at) => view.getInt16(at, true))).toEqual([0, -32_767, 32_767, 16_384]);
    expect(() => encodeWav([new Float32Array(2), new Float32Array(3)], 8000)).toThrow(new InvalidInput('Expected channels of one length, got 2, 3'));
  });

  it('keeps tags in a LIST INFO chunk, each text ended by a zero and on even bytes', () => {
    const tags = { title: 'höhle', artist: 'Genki-Dama', software: 'Genki-Dama', comment: 'abc' };
    const tagged = encodeWav(wave, 32_000, tags);
    const text = new TextDecoder('latin1').decode(tagged);
    expect(decodeWav(tagged)).toEqual(decodeWav(file));
    expect(text.slice(36, 40)).toBe('LIST');
    expect(text.slice(44, 48)).toBe('INFO');
    expect(tagged.slice(48, 64)).toEqual(Uint8Array.from([...new TextEncoder().encode('INAM'), 7, 0, 0, 0, ...new TextEncoder().encode('höhle'), 0, 0]));
    expect(text).toContain('IART\x0b\0\0\0Genki-Dama\0\0ISFT\x0b\0\0\0Genki-Dama\0\0ICMT\x04\0\0\0abc\0data');
    expect(new DataView(tagged.buffer).getUint32(4, true)).toBe(tagged.length - 8);
  });

  it('passes over other chunks, on even bytes', () => {
    const list = Uint8Array.of(0x4c, 0x49, 0x53, 0x54, 3, 0, 0, 0, 1, 2, 3, 0);
    const longer = new Uint8Array([...file.subarray(0, 36), ...list, ...file.subarray(36)]);
    expect(decodeWav(longer)).toEqual(decodeWav(file));
  });

  it.each<[string, Uint8Array]>([
    ['Expected a WAV file, got 0 other bytes', new Uint8Array(0)],
    ['Expected a WAV file, got 246 other bytes', changed(0, 0x46)],
    ['Expected chunk fmt  to hold 4294967295 bytes, got 226', changed(16, 255, 255, 255, 255)],
    ['Expected chunk data to hold 204 bytes, got 202', changed(40, 204)],
    ['Expected samples of 2 bytes, got 201 bytes', changed(40, 201)],
    ['Expected chunk data, got none'.replace('chunk', 'a chunk'), file.subarray(0, 40)],
    ['Expected 16-bit PCM with 1 channel, got format 3, 16 bits, 1 channels', changed(20, 3)],
    ['Expected 16-bit PCM with 1 channel, got format 1, 16 bits, 2 channels', changed(22, 2)],
    ['Expected a sample rate above 0, got 0', changed(24, 0, 0)],
    ['Expected chunk fmt before chunk data, got none', new Uint8Array([...file.subarray(0, 12), ...file.subarray(36)])],
    ['Expected chunk fmt to hold at least 16 bytes, got 2', changed(16, 2)],
  ])('is refused: %s', (message, bytes) => {
    expect(() => decodeWav(bytes)).toThrow(new InvalidInput(message));
  });
});
