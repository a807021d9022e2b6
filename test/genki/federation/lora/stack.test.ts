import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stackAdapters, type WeightedAdapter } from '../../../../genki/federation/lora/stack.ts';
import { adapterDelta, mergeWeights } from '../../../../genki/federation/merge.ts';
import type { Adapter, AdapterLayer } from '../../../../genki/music/lora.ts';
import { readPeftAdapter } from '../../../../genki/music/peft/read-peft.ts';
import { writePeft } from '../../../../genki/music/peft/write-peft.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { TINY } from '../../music/support/goldens.ts';
import { OUR_ADAPTERS } from '../../music/peft/support/our-adapters.ts';
import { anyAdapter, anyLayer, denseUpdate, distance, normOf, oneLayer, productOf } from './support.ts';

type GoldenPart = { rank: number; scale: number; weight: number; a: number[]; b: number[] };
type Golden = { out: number; in: number; parts: GoldenPart[]; sum: number[] };
const goldens = (JSON.parse(readFileSync('test/goldens/lora-merging.json', 'utf8')) as { cases: Golden[] }).cases;

/** Two to five adapters of any ranks, alphas, kinds of scale and modules, with weights of either sign. */
function anyParts(random: Random): WeightedAdapter[] {
  return Array.from({ length: 2 + random.int(4) }, () => ({ adapter: anyAdapter(random), weight: 4 * random.float() - 2 }));
}

/** The worst module's error, over the norm of the sum. */
const errorOf = (stacked: Adapter, parts: readonly WeightedAdapter[]): number =>
  Math.max(...[...denseUpdate(parts)].map(([module, sum]) => distance(productOf(stacked.layers.get(module)!), sum)));

describe('stackAdapters', () => {
  const layer = (b: number[], a: number[], scale: number): AdapterLayer => ({ a: Float32Array.from(a), b: Float32Array.from(b), in: 2, out: 2, rank: 1, scale });

  it('puts factors side by side, in a hand-worked case', () => {
    const parts = [{ adapter: oneLayer(layer([1, 2], [3, 4], 2)), weight: 2 }, { adapter: oneLayer(layer([5, 6], [7, 8], 1)), weight: -1 }];
    const { config, layers } = stackAdapters(parts);
    expect(layers.get('x.q_proj')).toEqual({ a: Float32Array.of(3, 4, 7, 8), b: Float32Array.of(1, -1.25, 2, -1.5), in: 2, out: 2, rank: 2, scale: 4 });
    expect(config).toEqual({ rank: 2, alpha: 8, targets: ['q_proj'], rslora: false, modules: { 'x.q_proj': { rank: 2, alpha: 8 } } });
    // 4 [1 2]ᵀ[3 4] − [5 6]ᵀ[7 8]
    expect([...adapterDelta({ config, layers }).get('x.q_proj')!]).toEqual([12 - 35, 16 - 40, 24 - 42, 32 - 48]);
  });

  it('is the weighted sum for any ranks, alphas, targets and signs: to 1e-6 in float32, with remainders to 1e-12', () => {
    const random = new Random('stack');
    let [rounded, kept] = [0, 0];
    for (let n = 0; n < 120; n++) {
      const parts = anyParts(random);
      rounded = Math.max(rounded, errorOf(stackAdapters(parts), parts));
      kept = Math.max(kept, errorOf(stackAdapters(parts, { remainders: true }), parts));
    }
    expect(rounded).toBeLessThan(1e-6);
    expect(rounded).toBeGreaterThan(1e-9); // or the remainders would show nothing
    expect(kept).toBeLessThan(1e-12);
  });

  it.each(goldens)('sums as numpy does: [$out, $in]', ({ out, in: columns, parts, sum }) => {
    const weighted = parts.map(({ a, b, rank, scale, weight }) => ({ adapter: oneLayer({ a: Float32Array.from(a), b: Float32Array.from(b), rank, scale, in: columns, out }), weight }));
    expect(distance(productOf(stackAdapters(weighted, { remainders: true }).layers.get('x.q_proj')!), sum)).toBeLessThan(1e-14);
    expect(distance(adapterDelta(stackAdapters(weighted)).get('x.q_proj')!, sum)).toBeLessThan(2e-7);
  });

  it('merges into weights as its parts do', () => {
    const random = new Random('merge');
    const parts = anyParts(random);
    const stacked = stackAdapters(parts);
    const base = new Map([...denseUpdate(parts).keys()].map((module) => [`${module}.weight`, { shape: [1], dtype: 'F32' as const, data: new Float32Array(stacked.layers.get(module)!.in * stacked.layers.get(module)!.out).fill(0.5) }]));
    const apart = mergeWeights(base, parts.map(({ adapter, weight }) => ({ delta: adapterDelta(adapter), weight })));
    const together = mergeWeights(base, [{ delta: adapterDelta(stacked), weight: 1 }]);
    for (const [name, { data }] of apart) expect(distance(together.get(name)!.data as Float32Array, data as Float32Array)).toBeLessThan(1e-6);
  });

  it('has the sum of the ranks, of each module by itself', () => {
    const random = new Random('ranks');
    for (let n = 0; n < 50; n++) {
      const parts = anyParts(random);
      for (const [module, { rank }] of stackAdapters(parts).layers) expect(rank).toBe(parts.reduce((sum, { adapter }) => sum + (adapter.layers.get(module)?.rank ?? 0), 0));
    }
  });

  it('rounds nothing where all parts have one weight and scale, or a power of two of it', () => {
    const random = new Random('exact');
    for (let n = 0; n < 100; n++) {
      const weight = 0.1 + random.float();
      const parts = Array.from({ length: 3 }, (_, i) => ({ adapter: oneLayer(anyLayer(random, { out: 4, in: 3, rank: 2, scale: 16 / 3 })), weight: weight * (-2) ** i }));
      const { b } = stackAdapters(parts).layers.get('x.q_proj')!;
      parts.forEach(({ adapter }, i) => {
        const own = adapter.layers.get('x.q_proj')!.b;
        for (let o = 0; o < 4; o++) expect(b[o * 6 + 2 * i]).toBe(own[o * 2]! * (-2) ** i / 4);
      });
      expect(stackAdapters(parts, { remainders: true }).layers.get('x.q_proj')!.rank).toBe(6);
    }
  });

  it('makes one of parts with the same matrices, and nothing of those that cancel', () => {
    const random = new Random('cancel');
    const [one, two] = [anyLayer(random, { out: 4, in: 3, rank: 2, scale: 2 }), anyLayer(random, { out: 4, in: 3, rank: 1, scale: 2 })];
    const copy = { ...one, a: Float32Array.from(one.a), b: Float32Array.from(one.b), scale: 1 };
    const parts = [{ adapter: oneLayer(one), weight: 1 }, { adapter: oneLayer(two), weight: 1 }, { adapter: oneLayer(copy), weight: -2 }];
    const left = stackAdapters(parts).layers.get('x.q_proj')!;
    expect(left).toEqual({ ...two, scale: 2 });
    const nothing = stackAdapters([parts[0]!, parts[2]!]).layers.get('x.q_proj')!;
    expect(nothing.rank).toBe(1);
    expect(normOf(productOf(nothing))).toBe(0);
    const part = stackAdapters([parts[0]!, { adapter: oneLayer(one), weight: -0.75 }]).layers.get('x.q_proj')!;
    expect(part).toEqual({ ...one, scale: 0.5 });
  });

  it('takes parts for the same only where both matrices are', () => {
    const one = anyLayer(new Random('halves'), { out: 4, in: 3, rank: 2, scale: 2 });
    for (const other of [{ ...one, a: one.a.with(5, 0) }, { ...one, b: one.b.with(7, 0) }]) {
      const parts = [{ adapter: oneLayer(one), weight: 1 }, { adapter: oneLayer(other), weight: 1 }];
      expect(distance(productOf(stackAdapters(parts).layers.get('x.q_proj')!), denseUpdate(parts).get('x.q_proj')!)).toBeLessThan(1e-14);
    }
  });

  it('has no remainders of scales that are the same but for their last digit', () => {
    const random = new Random('digit');
    const parts = [2, 2 * (1 + 2 ** -52), 1 - 2 ** -52].map((scale, i) => ({ adapter: oneLayer(anyLayer(random, { out: 4, in: 3, rank: 2, scale })), weight: -((-1) ** i) }));
    const stacked = stackAdapters(parts, { remainders: true });
    expect(stacked.layers.get('x.q_proj')!.rank).toBe(6);
    expect(errorOf(stacked, parts)).toBeLessThan(1e-15);
  });

  it('keeps to 1e-12 of the parts where they all but cancel', () => {
    const random = new Random('nearly');
    for (let n = 0; n < 100; n++) {
      const one = anyLayer(random, { out: 6, in: 5, rank: 3, scale: 3 });
      const near = { ...one, b: one.b.map((value) => value * (1 + 1e-4 * random.normal())) };
      const parts = [{ adapter: oneLayer(one), weight: 0.7 }, { adapter: oneLayer(near), weight: -0.7 }, { adapter: oneLayer(near), weight: 1e-9 }];
      const stacked = stackAdapters(parts, { remainders: true });
      const sum = denseUpdate(parts).get('x.q_proj')!;
      expect(distance(productOf(stacked.layers.get('x.q_proj')!), sum, normOf(productOf(one)))).toBeLessThan(1e-12);
    }
  });

  it('leaves out what has weight 0, in whatever order the rest comes', () => {
    const [one, two] = [OUR_ADAPTERS['plain']!, OUR_ADAPTERS['stable']!];
    expect([...stackAdapters([{ adapter: two, weight: 0 }, { adapter: one, weight: 1 }]).layers.keys()]).toEqual([...one.layers.keys()]);
    expect([...stackAdapters([{ adapter: two, weight: 2 }, { adapter: one, weight: 1 }]).layers.keys()]).toEqual([...two.layers.keys(), ...one.layers.keys()]);
  });

  it('is written for PEFT and read back as it is, tables and all', () => {
    const names = Object.keys(OUR_ADAPTERS);
    const parts = names.map((name, i) => ({ adapter: OUR_ADAPTERS[name]!, weight: 0.3 + i / 7 }));
    for (const remainders of [false, true]) {
      const stacked = stackAdapters(parts, { remainders });
      const read = readPeftAdapter(writePeft(stacked, { base: 'x' }), { music: TINY });
      expect(new Set(read.layers.keys())).toEqual(new Set(stacked.layers.keys()));
      for (const [module, layer] of stacked.layers) expect(read.layers.get(module)).toEqual(layer);
      expect(read.config.modules).toEqual(stacked.config.modules);
    }
  });

  it('is not what the mean of A and the mean of B make: that misses by more than half', () => {
    const random = new Random('naive');
    const layers = [1, 2].map(() => anyLayer(random, { out: 12, in: 10, rank: 4, scale: 2 }));
    const parts = layers.map((own) => ({ adapter: oneLayer(own), weight: 0.5 }));
    const exact = denseUpdate(parts).get('x.q_proj')!;
    const mean = (of: (own: AdapterLayer) => Float32Array): Float32Array => of(layers[0]!).map((value, i) => (value + of(layers[1]!)[i]!) / 2);
    const naive = { ...layers[0]!, a: mean(({ a }) => a), b: mean(({ b }) => b) };
    expect(distance(productOf(naive), exact)).toBeGreaterThan(0.5);
    expect(distance(productOf(stackAdapters(parts).layers.get('x.q_proj')!), exact)).toBeLessThan(1e-15);
  });

  it('refuses what cannot be added up', () => {
    const random = new Random('refuse');
    const adapter = oneLayer(anyLayer(random, { out: 4, in: 3, rank: 2, scale: 2 }));
    const other = oneLayer(anyLayer(random, { out: 3, in: 4, rank: 2, scale: 2 }));
    expect(() => stackAdapters([])).toThrow('Expected an adapter of at least one layer, got none');
    expect(() => stackAdapters([{ adapter, weight: 0 }])).toThrow('Expected an adapter of at least one layer, got none');
    expect(() => stackAdapters([{ adapter, weight: NaN }])).toThrow('Expected a finite weight for every adapter, got NaN');
    expect(() => stackAdapters([{ adapter, weight: 1 }, { adapter: other, weight: 1 }])).toThrow('Expected all updates of x.q_proj to be [4, 3], got [3, 4]');
    expect(() => stackAdapters([{ adapter, weight: 5e307 }])).toThrow('Expected x.q_proj to be finite, got a value that is not');
    for (const factor of ['a', 'b'] as const) {
      const broken = oneLayer(anyLayer(random, { out: 4, in: 3, rank: 2, scale: 2 }));
      broken.layers.get('x.q_proj')![factor][3] = Infinity;
      expect(() => stackAdapters([{ adapter: broken, weight: 1 }])).toThrow('Expected x.q_proj to be finite, got a value that is not');
    }
  });
});
