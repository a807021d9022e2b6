import { describe, expect, it } from 'vitest';
import { cosineOf, LEAST_COSINE, MOST_PARTS, spanOf, type Gram } from '../../../genki/evaluation/span.ts';
import { Random } from '../../../genki/protocol/random.ts';

type Vector = readonly number[];
const dot = (a: Vector, b: Vector): number => a.reduce((sum, x, d) => sum + x * b[d]!, 0);
const gramOf = (vectors: readonly Vector[]): Gram => vectors.map((a, i) => vectors.slice(0, i + 1).map((b) => dot(a, b)));
const normal = (random: Random, dimensions: number): number[] => Array.from({ length: dimensions }, () => random.normal());
const combined = (vectors: readonly Vector[], weights: readonly number[]): number[] => vectors[0]!.map((_, d) => vectors.reduce((sum, vector, k) => sum + weights[k]! * vector[d]!, 0));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const leftOver = (vectors: readonly Vector[], index: number, parts: readonly { index: number; coefficient: number }[]): number[] =>
  parts.reduce((left, part) => left.map((x, d) => x - part.coefficient * vectors[part.index]![d]!), [...vectors[index]!]);

describe('spanOf', () => {
  it('is worked by hand', () => {
    // (3, 4, 12) over (1, 0, 0) and (1, 1, 0): 25 of its 169 lie in their plane, as −1 times the first and 4 times the second
    const { correlation, parts, residualNorm } = spanOf(gramOf([[1, 0, 0], [1, 1, 0], [3, 4, 12]]), 2, [0, 1]);
    expect(correlation).toBeCloseTo(5 / 13, 12);
    expect(residualNorm).toBeCloseTo(12, 12);
    expect(parts.map(({ index, coefficient }) => [index, Math.round(coefficient * 1e9) / 1e9])).toEqual([[1, 4], [0, -1]]);
  });

  it('leaves what is orthogonal to all parts, of the length that it says, over 3,000 draws', () => {
    for (let seed = 0; seed < 3000; seed++) {
      const random = new Random(`orthogonal ${seed}`);
      const count = 1 + random.int(6);
      const vectors = Array.from({ length: count + 1 }, () => normal(random, 12).map((x) => x * 10 ** (random.int(5) - 2)));
      const gram = gramOf(vectors);
      const { correlation, parts, residualNorm } = spanOf(gram, count, upTo(count));
      const left = leftOver(vectors, count, parts);
      for (const { index } of parts) expect(Math.abs(dot(left, vectors[index]!)) / Math.sqrt(dot(vectors[index]!, vectors[index]!) * dot(vectors[count]!, vectors[count]!))).toBeLessThan(1e-9);
      expect(Math.abs(residualNorm / Math.sqrt(dot(left, left)) - 1)).toBeLessThan(1e-9);
      expect(correlation ** 2 + residualNorm ** 2 / dot(vectors[count]!, vectors[count]!)).toBeCloseTo(1, 9);
      const largest = Math.max(...upTo(count).map((j) => Math.abs(cosineOf(gram, count, j))));
      if (largest > LEAST_COSINE) expect(correlation).toBeGreaterThanOrEqual(largest - 1e-12);
    }
  });

  it('finds a mixture of several whatever its weights', () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = new Random(`mixture ${seed}`);
      const k = 2 + random.int(MOST_PARTS - 1);
      const sources = Array.from({ length: k }, () => normal(random, 500));
      const weights = sources.map(() => (random.chance(0.5) ? 1 : -1) * (0.5 + random.float()));
      const { correlation, parts } = spanOf(gramOf([...sources, combined(sources, weights)]), k, upTo(k));
      expect(correlation).toBeCloseTo(1, 9);
      for (const { index, coefficient } of parts) expect(coefficient).toBeCloseTo(weights[index]!, 6);
    }
  });

  it('falls as 1 / √(1 + a²) under orthogonal noise of a times the length', () => {
    for (const a of [0.5, 1, 2, 4]) {
      const gram = gramOf([[3, 0, 0, 0], [0, 5, 0, 0], [6, 5, 0, 0].map((x, d) => (d === 2 ? a * Math.hypot(6, 5) : x))]);
      expect(spanOf(gram, 2, [0, 1]).correlation).toBeCloseTo(1 / Math.sqrt(1 + a * a), 12);
    }
  });

  it('is the same whatever the lengths, signs and order of the others', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const random = new Random(`invariant ${seed}`);
      const sources = Array.from({ length: 4 }, () => normal(random, 9));
      const one = normal(random, 9);
      const changed = random.shuffle(sources).map((source) => {
        const factor = (random.chance(0.5) ? -1 : 1) * 10 ** (random.int(7) - 3);
        return source.map((x) => factor * x);
      });
      expect(spanOf(gramOf([...changed, one]), 4, upTo(4)).correlation).toBeCloseTo(spanOf(gramOf([...sources, one]), 4, upTo(4)).correlation, 9);
    }
  });

  it('takes of two that are the same only the earlier', () => {
    const { correlation, parts, residualNorm } = spanOf(gramOf([[1, 1, 0], [2, 2, 0], [1, 1 + 1e-9, 0], [1, 1, 1]]), 3, [0, 1, 2]);
    expect(parts).toEqual([{ index: 0, coefficient: expect.closeTo(1, 9) }]);
    expect(correlation).toBeCloseTo(Math.sqrt(2 / 3), 9);
    expect(residualNorm).toBeCloseTo(1, 9);
  });

  it('does not put an update together from hundreds of unlike ones', () => {
    const random = new Random('crowd');
    const { correlation, parts } = spanOf(gramOf(Array.from({ length: 150 }, () => normal(random, 300))), 149, upTo(149));
    expect(parts.length).toBe(MOST_PARTS);
    expect(correlation).toBeLessThan(0.6); // all 149 together come to .7
  });

  it('has no direction where there is nothing', () => {
    expect(spanOf(gramOf([[0, 0], [1, 0]]), 1, [0])).toEqual({ correlation: 0, parts: [], residualNorm: 1 });
    expect(spanOf(gramOf([[1, 0], [0, 0]]), 1, [0])).toEqual({ correlation: 0, parts: [], residualNorm: 0 });
  });
});
