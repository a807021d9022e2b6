import { readFileSync } from 'node:fs';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { errorOf, recompress } from '../../../../genki/federation/lora/recompress.ts';
import { stackAdapters } from '../../../../genki/federation/lora/stack.ts';
import type { Adapter, AdapterLayer } from '../../../../genki/music/lora.ts';
import { readPeftAdapter } from '../../../../genki/music/peft/read-peft.ts';
import { writePeft } from '../../../../genki/music/peft/write-peft.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { TINY } from '../../music/support/goldens.ts';
import { OUR_ADAPTERS } from '../../music/peft/support/our-adapters.ts';
import { anyAdapter, anyLayer, distance, normOf, oneLayer, productOf } from './support.ts';

type GoldenPart = { rank: number; scale: number; weight: number; a: number[]; b: number[] };
type Golden = { out: number; in: number; parts: GoldenPart[]; best: number[][]; errors: number[] };
const goldens = (JSON.parse(readFileSync('test/goldens/lora-merging.json', 'utf8')) as { cases: Golden[] }).cases;

/** Each rounding of a factor to float32. */
const ROUNDED = 2e-7;

const stackOf = ({ parts, out, in: columns }: Golden): Adapter =>
  stackAdapters(parts.map(({ a, b, rank, scale, weight }) => ({ adapter: oneLayer({ a: Float32Array.from(a), b: Float32Array.from(b), rank, scale, in: columns, out }), weight })), { remainders: true });

/** Singular values of the product that is never formed otherwise. */
function singularValues(layer: AdapterLayer): number[] {
  const dense = productOf(layer);
  const matrix = new Matrix(Array.from({ length: layer.out }, (_, o) => Array.from(dense.subarray(o * layer.in, (o + 1) * layer.in))));
  return new SingularValueDecomposition(matrix, { autoTranspose: true }).diagonal;
}

const only = ({ layers }: Adapter): AdapterLayer => layers.get('x.q_proj')!;

describe('recompress', () => {
  it('keeps the larger of two singular values', () => {
    // 3 e₁ e₂ᵀ − 4 e₂ e₁ᵀ, at scale 2
    const layer = { a: Float32Array.of(0, 1.5, 1, 0), b: Float32Array.of(1, 0, 0, -2), in: 2, out: 2, rank: 2, scale: 2 };
    const { adapter, error } = recompress(oneLayer(layer), 1);
    expect(distance(productOf(only(adapter)), [0, 0, -4, 0])).toBeLessThan(ROUNDED);
    expect(only(adapter)).toMatchObject({ rank: 1, scale: 2, in: 2, out: 2 });
    expect(adapter.config).toEqual({ rank: 1, alpha: 2, targets: ['q_proj'], rslora: false, modules: { 'x.q_proj': { rank: 1, alpha: 2 } } });
    expect(error.overall).toBeCloseTo(3 / 5, 7);
    expect(error.modules.get('x.q_proj')).toBeCloseTo(3 / 5, 7);
  });

  it.each(goldens)('is the best approximation of each rank as numpy has it: [$out, $in]', (golden) => {
    const stacked = stackOf(golden);
    golden.best.forEach((best, k) => {
      const { adapter, error } = recompress(stacked, k + 1);
      expect(distance(productOf(only(adapter)), best)).toBeLessThan(ROUNDED);
      expect(Math.abs(error.overall - golden.errors[k]!)).toBeLessThan(ROUNDED);
    });
  });

  it('loses what the singular values say, no more (Eckart and Young 1936), and says exactly what it lost', () => {
    const random = new Random('best');
    for (let n = 0; n < 150; n++) {
      const full = anyAdapter(random);
      const rank = 1 + random.int(4);
      const { adapter, error } = recompress(full, rank);
      let [lost, all] = [0, 0];
      for (const [module, layer] of full.layers) {
        const values = singularValues(layer);
        const tail = values.slice(rank).reduce((sum, value) => sum + value ** 2, 0);
        const dense = productOf(layer);
        expect(Math.abs(error.modules.get(module)! - Math.sqrt(tail) / normOf(dense))).toBeLessThan(ROUNDED);
        expect(Math.abs(error.modules.get(module)! - distance(productOf(adapter.layers.get(module)!), dense))).toBeLessThan(1e-14);
        [lost, all] = [lost + tail, all + normOf(dense) ** 2];
      }
      expect(Math.abs(error.overall - Math.sqrt(lost / all))).toBeLessThan(ROUNDED);
    }
  });

  it('is closer than any other of that rank', () => {
    const random = new Random('closest');
    for (let n = 0; n < 100; n++) {
      const full = oneLayer(anyLayer(random, { out: 6, in: 5, rank: 4, scale: 2 }));
      const best = recompress(full, 2);
      const near = (factor: Float32Array): Float32Array => factor.map((value) => value + 0.01 * random.normal());
      const other = oneLayer({ ...only(best.adapter), a: near(only(best.adapter).a), b: near(only(best.adapter).b) });
      expect(errorOf(full, other).overall).toBeGreaterThan(best.error.overall);
    }
  });

  it('keeps a layer whose rank is low enough, bit for bit', () => {
    const full = oneLayer(anyLayer(new Random('low'), { out: 6, in: 5, rank: 3, scale: 2 }));
    for (const rank of [3, 4, 100]) {
      const { adapter, error } = recompress(full, rank);
      expect(only(adapter)).toEqual(only(full));
      expect(error).toEqual({ overall: 0, modules: new Map([['x.q_proj', 0]]) });
    }
  });

  it('takes the surplus off a rank that is larger than the layer, and loses nothing', () => {
    const full = oneLayer(anyLayer(new Random('wide'), { out: 3, in: 8, rank: 7, scale: 2 }));
    const { adapter, error } = recompress(full, 7);
    expect(only(adapter).rank).toBe(3);
    expect(error.overall).toBeLessThan(ROUNDED);
  });

  it('takes a rank for each module, and the scale that is asked for', () => {
    const random = new Random('each');
    const adapter: Adapter = {
      config: { rank: 4, alpha: 8, targets: ['q_proj', 'fc1'], rslora: false },
      layers: new Map([['x.q_proj', anyLayer(random, { out: 6, in: 5, rank: 4, scale: 2 })], ['x.fc1', anyLayer(random, { out: 9, in: 5, rank: 3, scale: 2 })]]),
    };
    const { adapter: smaller, error } = recompress(adapter, { 'x.q_proj': 1, 'x.fc1': 3 }, 0.5);
    expect([...smaller.layers.values()].map(({ rank, scale }) => [rank, scale])).toEqual([[1, 0.5], [3, 0.5]]);
    expect(smaller.config.modules).toEqual({ 'x.q_proj': { rank: 1, alpha: 0.5 }, 'x.fc1': { rank: 3, alpha: 1.5 } });
    expect(error.modules.get('x.q_proj')).toBeGreaterThan(0.1);
    expect(error.modules.get('x.fc1')).toBeLessThan(ROUNDED);
  });

  it('balances the factors, with the largest value of each column of B positive', () => {
    const random = new Random('signs');
    for (let n = 0; n < 50; n++) {
      const { a, b, rank, out, in: columns } = only(recompress(oneLayer(anyLayer(random, { out: 6, in: 5, rank: 5, scale: 1 })), 3).adapter);
      for (let r = 0; r < rank; r++) {
        const column = Array.from({ length: out }, (_, o) => b[o * rank + r]!);
        expect(Math.max(...column)).toBe(Math.max(...column.map(Math.abs)));
        expect(normOf(column)).toBeCloseTo(normOf(a.subarray(r * columns, (r + 1) * columns)), 6);
      }
    }
  });

  it('gives the same factors for the same update, however its own were mixed', () => {
    const layer = anyLayer(new Random('mixed'), { out: 6, in: 5, rank: 4, scale: 2 });
    const swapped = { ...layer, a: new Float32Array([...layer.a.subarray(10), ...layer.a.subarray(0, 10)]), b: layer.b.map((_, i) => -layer.b[i - (i % 4) + ((i + 2) % 4)]!) };
    swapped.a.forEach((value, i) => (swapped.a[i] = -value));
    expect(productOf(swapped).map(Math.fround)).toEqual(productOf(layer).map(Math.fround));
    const [one, other] = [layer, swapped].map((own) => only(recompress(oneLayer(own), 2).adapter));
    expect(distance(one!.a, other!.a)).toBeLessThan(ROUNDED);
    expect(distance(one!.b, other!.b)).toBeLessThan(ROUNDED);
  });

  it('takes an update that is 0, and factors that all but cancel out', () => {
    const zero = { a: new Float32Array(15), b: new Float32Array(18).fill(1), in: 5, out: 6, rank: 3, scale: 2 };
    const { adapter, error } = recompress(oneLayer(zero), 2);
    expect(normOf(productOf(only(adapter)))).toBe(0);
    expect(error.overall).toBe(0);
    expect(recompress(oneLayer({ ...zero, scale: 0 }), 1).error.overall).toBe(0);

    const one = anyLayer(new Random('cancel'), { out: 6, in: 5, rank: 2, scale: 2 });
    const [large, rest] = [{ ...one, b: one.b.map((value) => 1e4 * value) }, anyLayer(new Random('rest'), { out: 6, in: 5, rank: 1, scale: 2 })];
    const hidden = stackAdapters([{ adapter: oneLayer(large), weight: 1 }, { adapter: oneLayer({ ...large, b: large.b.with(0, 0) }), weight: -1 }, { adapter: oneLayer(rest), weight: 1 }]);
    const dense = productOf(only(hidden));
    const found = recompress(hidden, 2);
    expect(distance(productOf(only(found.adapter)), dense)).toBeLessThan(ROUNDED);
    expect(Math.abs(found.error.overall - distance(productOf(only(found.adapter)), dense))).toBeLessThan(1e-10);
  });

  it('is written for PEFT and read back as it is', () => {
    const stacked = stackAdapters(['plain', 'sized', 'wide'].map((name) => ({ adapter: OUR_ADAPTERS[name]!, weight: 0.7 })));
    const { adapter } = recompress(stacked, 2);
    const read = readPeftAdapter(writePeft(adapter, { base: 'x' }), { music: TINY });
    for (const [module, layer] of adapter.layers) expect(read.layers.get(module)).toEqual(layer);
  });

  it('refuses a rank that is none, and values that are not finite', () => {
    const full = oneLayer(anyLayer(new Random('refuse'), { out: 6, in: 5, rank: 3, scale: 2 }));
    for (const rank of [0, -1, 1.5, NaN]) expect(() => recompress(full, rank)).toThrow(`Expected a rank of 1 or more for x.q_proj, got ${rank}`);
    expect(() => recompress(full, { 'x.fc1': 2 })).toThrow('Expected a rank of 1 or more for x.q_proj, got none');
    expect(() => errorOf(full, { ...full, layers: new Map() })).toThrow('Expected both adapters to have x.q_proj, got it in one');
    only(full).a[0] = NaN;
    expect(() => recompress(full, 2)).toThrow('Expected x.q_proj to be finite, got a value that is not');
  });
});
