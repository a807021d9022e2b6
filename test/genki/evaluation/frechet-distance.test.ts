import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { frechetDistance } from '../../../genki/evaluation/frechet-distance.ts';
import { fitGaussian } from '../../../genki/evaluation/gaussian.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { column, goldenRows, moved, randomRows, type Rows, scaled, turned } from './embeddings.ts';

const TENSORS = new URL('../../goldens/fad.safetensors', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('../../goldens/fad.json', import.meta.url), 'utf8')) as { cases: Record<string, { svd: number; scipy_sqrtm: number }> };
const traceOf = (rows: Rows): number => fitGaussian(rows).trace;

/** Two sets of one width: more rows than dimensions, fewer, or one of each. */
function drawn(seed: number): { x: Rows; y: Rows; random: Random; scale: number } {
  const random = new Random(`case ${seed}`);
  const d = 1 + random.int(6);
  const [x, y] = ['x', 'y'].map((name) => randomRows(`${name} ${seed}`, { n: 2 + random.int(8), d, mean: random.normal() })) as [Rows, Rows];
  return { x, y, random, scale: traceOf(x) + traceOf(y) };
}

describe('frechetDistance', () => {
  it('is (μ1 − μ2)² + (σ1 − σ2)² in one dimension', () => {
    // means 2 and 7; variances 1 and 9
    expect(frechetDistance(column(1, 2, 3), column(4, 7, 10))).toBeCloseTo(25 + 4, 12);
  });

  it('is the same in two dimensions that do not mix', () => {
    const x = [[1, 0], [-1, 0], [0, 2], [0, -2]].map((row) => Float64Array.from(row)); // variances 2/3 and 8/3
    const y = [[3, 0], [-3, 0], [0, 1], [0, -1]].map((row) => Float64Array.from(row)); // variances 6 and 2/3
    expect(frechetDistance(x, y)).toBeCloseTo((Math.sqrt(6) - Math.sqrt(2 / 3)) ** 2 + (Math.sqrt(8 / 3) - Math.sqrt(2 / 3)) ** 2, 12);
  });

  it.each(Object.entries(cases))('agrees with the reference on %s', (name, { svd }) => {
    const [x, y] = [goldenRows(TENSORS, `${name}/x`), goldenRows(TENSORS, `${name}/y`)];
    const tolerance = svd === 0 ? 1e-9 * traceOf(x) : 1e-9 * svd; // it is a difference of traces, some 10 times as large
    expect(Math.abs(frechetDistance(x, y) - svd)).toBeLessThanOrEqual(tolerance);
  });

  it('takes float32 as it takes float64', () => {
    const [x, y] = ['x', 'y'].map((name) => randomRows(name, { n: 6, d: 4 }).map((row) => Float32Array.from(row))) as [Float32Array[], Float32Array[]];
    expect(frechetDistance(x, y)).toBe(frechetDistance(x.map((row) => Float64Array.from(row)), y.map((row) => Float64Array.from(row))));
  });

  it('is symmetric, not negative, and 0 for the same set in any order', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const { x, y, random, scale } = drawn(seed);
      const distance = frechetDistance(x, y);
      expect(distance).toBeGreaterThanOrEqual(0);
      expect(Math.abs(distance - frechetDistance(y, x))).toBeLessThan(1e-12 * scale + 1e-12 * distance);
      expect(frechetDistance(x, random.shuffle(x))).toBeLessThan(1e-12 * traceOf(x));
    }
  });

  it('does not change when both sets turn, move together or change the order of their rows', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const { x, y, random, scale } = drawn(seed);
      const [angles, by] = [x[0]!.slice(1).map(() => random.normal()), [...x[0]!].map(() => random.normal())];
      const [x2, y2] = [x, y].map((rows) => random.shuffle(moved(turned(rows, [...angles]), by))) as [Rows, Rows];
      const distance = frechetDistance(x, y);
      expect(Math.abs(frechetDistance(x2, y2) - distance)).toBeLessThan(1e-12 * (scale + distance));
    }
  });

  it('gains ||t||² when one set, on the mean of the other, moves by t, and grows as it goes on', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const { x, random, scale } = drawn(seed);
      const t = [...x[0]!].map(() => random.normal());
      const squared = t.reduce((sum, value) => sum + value ** 2, 0);
      const distance = frechetDistance(x, moved(x, t));
      expect(Math.abs(distance - squared)).toBeLessThan(1e-12 * (scale + squared));
      expect(frechetDistance(x, moved(x, t.map((value) => 1.01 * value)))).toBeGreaterThan(distance);
    }
  });

  it('becomes c² times as large when all is scaled by c, from 1e-60 to 1e60', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const { x, y, random } = drawn(seed);
      const c = random.normal() * 10 ** (random.int(121) - 60);
      const [distance, expected] = [frechetDistance(scaled(x, c), scaled(y, c)), c * c * frechetDistance(x, y)];
      expect(Math.abs(distance - expected)).toBeLessThan(1e-9 * expected);
    }
  });

  it('never exceeds what it costs to move one set onto the other, row by row', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const { x, random } = drawn(seed);
      const y = x.map((row) => row.map((value) => value + 0.1 * random.normal()));
      const cost = x.reduce((sum, row, i) => sum + row.reduce((s, value, k) => s + (value - y[i]![k]!) ** 2, 0), 0) / (x.length - 1);
      expect(frechetDistance(x, y)).toBeLessThanOrEqual(cost * (1 + 1e-9));
    }
  });

  it('is a finite number of 0 or more for rows that are equal, zero, sparse, huge and tiny', () => {
    for (let seed = 0; seed < 2000; seed++) {
      const random = new Random(`odd ${seed}`);
      const value = random.pick([
        () => random.int(3) - 1, () => (random.chance(0.8) ? 0 : random.normal()), () => random.int(2) * 1e150, () => 1e-162 * random.normal(),
        () => (random.chance(0.5) ? 0 : 10 ** -random.int(320)), () => (random.int(3) - 1) * 10 ** (random.int(300) - 150),
      ]);
      const d = 1 + random.int(6);
      const rows = (): Rows => Array.from({ length: 2 + random.int(8) }, () => Float64Array.from({ length: d }, value));
      const [x, y] = [rows(), random.chance(0.2) ? Array.from({ length: 2 }, () => new Float64Array(d)) : rows()];
      const distance = frechetDistance(x, y);
      expect(distance >= 0 && distance < Infinity, `${distance} in case ${seed}`).toBe(true);
      const self = frechetDistance(x, x);
      expect(self >= 0 && self <= 1e-12 * traceOf(x) + 1e-300, `${self} from itself in case ${seed}`).toBe(true);
    }
  });

  it('keeps its digits beside a dimension of subnormal numbers', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = new Random(`subnormal ${seed}`);
      const x = Array.from({ length: 8 }, () => Float64Array.of(1e-319 * random.int(100), random.normal(), random.normal()));
      expect(frechetDistance(x, x)).toBeLessThan(1e-12 * traceOf(x));
    }
  });

  it.each<[string, Rows, Rows, string]>([
    ['a single row', column(1), column(1, 2), 'Expected at least 2 rows of the first embeddings, got 1'],
    ['no rows', column(1, 2), [], 'Expected at least 2 rows of the second embeddings, got 0'],
    ['widths that differ', column(1, 2), [Float64Array.of(1, 2), Float64Array.of(3, 4)], 'Expected embeddings of 1 dimensions, got 2'],
    ['a row of another width', [Float64Array.of(1, 2), Float64Array.of(3)], column(1, 2), 'Expected 2 dimensions in row 1 of the first embeddings, got 1'],
    ['no dimension', [new Float64Array(0), new Float64Array(0)], column(1, 2), 'Expected the first embeddings of one dimension or more, got none'],
    ['NaN', column(1, 2), column(0, NaN), 'Expected numbers within ±1e+150 in the second embeddings, got NaN in row 1, column 0'],
    ['infinity', column(1, -Infinity), column(0, 1), 'Expected numbers within ±1e+150 in the first embeddings, got -Infinity in row 1, column 0'],
    ['what has no finite square', column(0, 1e160), column(0, 1), 'Expected numbers within ±1e+150 in the first embeddings, got 1e+160 in row 1, column 0'],
  ])('refuses %s', (_, x, y, message) => {
    expect(() => frechetDistance(x, y)).toThrow(new InvalidInput(message));
  });
});
