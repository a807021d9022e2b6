import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { frechetDistance } from '../../../genki/evaluation/frechet-distance.ts';
import { frechetInfinity } from '../../../genki/evaluation/frechet-infinity.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { randomRows, type Rows } from './embeddings.ts';

const standard = (seed: string, { n, d }: { n: number; d: number }): Rows => {
  const random = new Random(seed);
  return Array.from({ length: n }, () => Float64Array.from({ length: d }, () => random.normal()));
};

describe('frechetInfinity', () => {
  const reference = randomRows('reference', { n: 40, d: 3 });

  it('is flat for rows that are all equal, since every subset is the same', () => {
    const x = Array.from({ length: 64 }, () => Float64Array.of(3, 1, 2));
    const distance = frechetDistance(x, reference);
    const { value, slope, standardError, points } = frechetInfinity(x, reference, 'flat');
    expect([value, slope, standardError]).toEqual([expect.closeTo(distance, 9), expect.closeTo(0, 7), expect.closeTo(0, 7)]);
    for (const point of points) expect(point.distance).toBeCloseTo(distance, 9);
  });

  it('draws sizes from a half to all, the last being the distance itself', () => {
    const x = randomRows('x', { n: 101, d: 3, mean: 1 });
    const { points } = frechetInfinity(x, reference, 'sizes');
    expect(points.map(({ size }) => size)).toEqual([51, 53, 55, 57, 59, 62, 65, 68, 71, 75, 79, 83, 89, 94, 101]);
    expect(points.at(-1)!.distance).toBeCloseTo(frechetDistance(x, reference), 9);
  });

  it('is the least-squares line over 1/N, with the standard error of its end', () => {
    const { value, slope, standardError, points } = frechetInfinity(randomRows('x', { n: 90, d: 3, mean: 1 }), reference, 'line');
    const rest = points.map(({ size, distance }) => distance - value - slope / size);
    const sum = (of: (i: number) => number): number => points.reduce((total, _, i) => total + of(i), 0);
    const inverse = (i: number): number => 1 / points[i]!.size;
    expect(sum((i) => rest[i]!)).toBeCloseTo(0, 9); // the normal equations
    expect(sum((i) => rest[i]! * inverse(i))).toBeCloseTo(0, 9);
    const n = points.length;
    const squares = sum((i) => inverse(i) ** 2);
    const expected = Math.sqrt(((sum((i) => rest[i]! ** 2) / (n - 2)) * squares) / (n * squares - sum(inverse) ** 2));
    expect(standardError / expected).toBeCloseTo(1, 6);
  });

  it('takes the bias of the sample size away where the dimensions are few', () => {
    const all = standard('all', { n: 4000, d: 8 });
    const runs = Array.from({ length: 12 }, (_, i) => {
      const x = standard(`run ${i}`, { n: 128, d: 8 }).map((row) => row.map((value) => value + 0.2));
      return { plain: frechetDistance(x, all), infinite: frechetInfinity(x, all, `${i}`).value };
    });
    const mean = (of: (run: { plain: number; infinite: number }) => number): number => runs.reduce((total, run) => total + of(run) / runs.length, 0);
    const truth = 8 * 0.2 ** 2;
    expect(mean(({ plain }) => plain) - truth).toBeGreaterThan(0.08);
    expect(Math.abs(mean(({ infinite }) => infinite) - truth)).toBeLessThan(0.06);
  });

  it('is 0 where the line ends below', () => {
    const x = randomRows('x', { n: 64, d: 3 });
    const { value, slope, points } = frechetInfinity(x, x, 'below');
    expect(points.at(-1)!.distance).toBeLessThan(1e-9);
    expect(slope).toBeGreaterThan(0);
    expect(value).toBe(0);
  });

  it('is the same for the same seed, and another draw for another', () => {
    const x = randomRows('x', { n: 80, d: 3 });
    expect(frechetInfinity(x, reference, 'a')).toEqual(frechetInfinity(x, reference, 'a'));
    expect(frechetInfinity(x, reference, 'a').slope).not.toBe(frechetInfinity(x, reference, 'b').slope);
  });

  it('names the fewest windows that it extrapolates from, and the row that is no number', () => {
    const x = randomRows('x', { n: 64, d: 3 });
    expect(() => frechetInfinity(x.slice(1), reference, '')).toThrow(new InvalidInput('Expected at least 64 windows to extrapolate from, got 63'));
    expect(() => frechetInfinity([...x.slice(1), Float64Array.of(1, NaN, 1)], reference, '')).toThrow('Expected numbers within ±1e+150 in embeddings, got NaN in row 63, column 1');
  });
});
