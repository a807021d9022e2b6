import { readFileSync } from 'node:fs';
import { Random } from '../../../genki/protocol/random.ts';

/** Rows to measure: shape [n][d]. */
export type Rows = Float64Array[];

/** Normal draws around `mean`, mixed across the dimensions. */
export function randomRows(seed: string, { n, d, mean = 0 }: { n: number; d: number; mean?: number }): Rows {
  const random = new Random(seed);
  const tilt = Array.from({ length: d }, () => random.normal());
  return Array.from({ length: n }, () => {
    const common = random.normal();
    return Float64Array.from(tilt, (t) => mean + random.normal() + t * common);
  });
}

/** One column. */
export const column = (...values: readonly number[]): Rows => values.map((value) => Float64Array.of(value));

export const scaled = (rows: Rows, by: number): Rows => rows.map((row) => row.map((value) => value * by));
export const moved = (rows: Rows, by: readonly number[]): Rows => rows.map((row) => row.map((value, k) => value + by[k]!));

/** All rows turned alike: one Givens rotation in each plane of neighbouring dimensions. */
export const turned = (rows: Rows, angles: readonly number[]): Rows => rows.map((row) => {
  const out = Float64Array.from(row);
  angles.forEach((angle, k) => {
    const [x, y] = [out[k]!, out[k + 1]!];
    out[k] = Math.cos(angle) * x - Math.sin(angle) * y;
    out[k + 1] = Math.sin(angle) * x + Math.cos(angle) * y;
  });
  return out;
});

/** A matrix of a golden file, which holds float64: shape [n][d]. */
export function goldenRows(file: URL, name: string): Rows {
  const bytes = readFileSync(file);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<string, { dtype: string; shape: [number, number]; data_offsets: [number, number] }>;
  const { dtype, shape: [n, d], data_offsets: [start] } = header[name]!;
  if (dtype !== 'F64') throw new Error(`Expected ${name} as F64, got ${dtype}`);
  const at = 8 + headerBytes + start;
  return Array.from({ length: n }, (_, i) => Float64Array.from({ length: d }, (__, k) => bytes.readDoubleLE(at + 8 * (i * d + k))));
}
