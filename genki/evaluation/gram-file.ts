import { InvalidInput } from '../errors.ts';
import type { Gram } from './span.ts';

/** A Gram matrix as bytes: the number of rows, then every row, float64, little-endian. A round of 256 miners has 263 kB of it. */
export function encodeGram(gram: Gram): Uint8Array {
  const values = Float64Array.from([gram.length, ...gram.flat()]);
  const bytes = new DataView(new ArrayBuffer(values.byteLength));
  values.forEach((value, i) => bytes.setFloat64(8 * i, value, true));
  return new Uint8Array(bytes.buffer);
}

/** @throws {InvalidInput} when it is not one of so many rows */
export function decodeGram(bytes: Uint8Array, rows: number): Gram {
  const expected = 8 * (1 + (rows * (rows + 1)) / 2);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength !== expected || view.getFloat64(0, true) !== rows) throw new InvalidInput(`Expected a Gram matrix of ${rows} rows in ${expected} bytes, got ${bytes.byteLength}`);
  let at = 8;
  return Array.from({ length: rows }, (_, row) => Array.from({ length: row + 1 }, () => {
    const value = view.getFloat64(at, true);
    at += 8;
    return value;
  }));
}
