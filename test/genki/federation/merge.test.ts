import { describe, expect, it } from 'vitest';
import { adapterDelta, mergeWeights, touchedModules } from '../../../genki/federation/merge.ts';
import { encodeMerged } from '../../../genki/federation/merged-dama.ts';
import type { Adapter } from '../../../genki/music/lora.ts';
import { contentDigest, decodeSafetensors, type HostTensor } from '../../../genki/protocol/safetensors.ts';
import { denseSum, nanoSizes, randomAdapter, randomBase, smallSizes } from './adapters.ts';

const frobenius = (values: ArrayLike<number>): number => Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0));
const relativeError = (got: ArrayLike<number>, wanted: readonly number[]): number => frobenius(wanted.map((v, i) => got[i]! - v)) / frobenius(wanted);

describe('adapterDelta', () => {
  it('is scale B A in a hand-worked case', () => {
    const layer = { a: Float32Array.of(1, 2, 3), b: Float32Array.of(10, 100), in: 3, out: 2, rank: 1, scale: 2 };
    const adapter: Adapter = { config: { rank: 1, alpha: 2, targets: ['q_proj'], rslora: false }, layers: new Map([['m', layer]]) };
    expect([...adapterDelta(adapter).get('m')!]).toEqual([20, 40, 60, 200, 400, 600]);
  });

  it('is exact to a rounding, at any rank and alpha', () => {
    for (const [rank, alpha] of [[1, 1], [2, 4], [4, 1], [8, 16]] as const) {
      const adapter = randomAdapter(`delta ${rank}`, { rank, alpha });
      for (const [module, values] of adapterDelta(adapter)) expect(relativeError(values, denseSum([{ adapter, weight: 1 }], module))).toBeLessThan(1e-7);
    }
  });
});

describe('mergeWeights', () => {
  const base = randomBase('base');
  const adapters = [randomAdapter('1'), randomAdapter('2', { rank: 5, alpha: 1 }), randomAdapter('3', { rank: 3, alpha: 7.5 })];
  const weights = [0.4, 1, -0.3];
  const updates = adapters.map((adapter, i) => ({ adapter, delta: adapterDelta(adapter), weight: weights[i]! }));

  it('adds up unequal ranks, alphas and weights to within 1e-6 of the exact sum', () => {
    const zero = new Map([...base].map(([name, tensor]) => [name, { ...tensor, data: new Float32Array(tensor.data.length) }]));
    for (const { module } of smallSizes) {
      const exact = denseSum(updates, module);
      expect(relativeError(mergeWeights(zero, updates).get(`${module}.weight`)!.data, exact)).toBeLessThan(1e-6);
      const start = base.get(`${module}.weight`)!.data;
      const merged = mergeWeights(base, updates).get(`${module}.weight`)!.data;
      expect(relativeError(merged, exact.map((v, i) => v + start[i]!))).toBeLessThan(1e-6);
    }
  });

  it('is not the product of the mean A and the mean B', () => {
    const [one, two] = [randomAdapter('a'), randomAdapter('b')].map((adapter) => ({ delta: adapterDelta(adapter), weight: 0.5 }));
    const merged = mergeWeights(base, [one!, two!]);
    const alone = mergeWeights(base, [{ ...one!, weight: 1 }]).get('x.q_proj.weight')!.data;
    const other = mergeWeights(base, [{ ...two!, weight: 1 }]).get('x.q_proj.weight')!.data;
    merged.get('x.q_proj.weight')!.data.forEach((v, i) => expect(v).toBeCloseTo((alone[i]! + other[i]!) / 2, 5));
  });

  it('returns the touched modules only, untouched ones of a given list as the base has them', () => {
    const part = { delta: new Map([['x.fc1', new Float32Array(36).fill(1)]]), weight: 1 };
    expect([...mergeWeights(base, [part]).keys()]).toEqual(['x.fc1.weight']);
    const both = mergeWeights(base, [part], touchedModules(updates));
    expect(both.get('x.q_proj.weight')!.data).toEqual(base.get('x.q_proj.weight')!.data);
    expect(mergeWeights(base, [], touchedModules(updates)).get('x.fc1.weight')!.data).toEqual(base.get('x.fc1.weight')!.data);
  });

  it('leaves the base alone and gives the same bytes again', () => {
    const digest = contentDigest(base);
    const digests = [1, 2].map(() => contentDigest(mergeWeights(base, updates)));
    expect(digests[0]).toBe(digests[1]);
    expect(contentDigest(base)).toBe(digest);
  });

  it('refuses what does not fit the base', () => {
    const delta = (module: string, n: number): { delta: Map<string, Float32Array>; weight: number } => ({ delta: new Map([[module, new Float32Array(n)]]), weight: 1 });
    expect(() => mergeWeights(base, [delta('y', 4)])).toThrow('Expected the base to have float weights y.weight, got none');
    expect(() => mergeWeights(base, [delta('x.fc1', 35)])).toThrow('Expected an update of 36 values for x.fc1.weight, got 35');
    expect(() => mergeWeights(base, [{ ...delta('x.fc1', 36), weight: NaN }])).toThrow('Expected a finite weight for every update, got NaN');
  });

  it('merges five ruby-nano updates in milliseconds', () => {
    const nano = randomBase('nano', nanoSizes);
    const five = Array.from({ length: 5 }, (_, i) => ({ delta: adapterDelta(randomAdapter(`${i}`, { sizes: nanoSizes, rank: 8, alpha: 16 })), weight: 0.5 }));
    const times = Array.from({ length: 7 }, () => {
      const start = performance.now();
      mergeWeights(nano, five);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(60); // 12 ms on an idle core; the rest is room for a busy machine
  });
});

describe('encodeMerged', () => {
  const base = randomBase('base');
  const merged = mergeWeights(base, [{ delta: adapterDelta(randomAdapter('1')), weight: 1 }]);

  it('keeps the rest of the base and names the whole by its content', () => {
    const { digest, file } = encodeMerged(base, merged);
    const { tensors } = decodeSafetensors(file);
    expect(contentDigest(tensors)).toBe(digest);
    expect(tensors.get('x.layer_norm.weight')!.data).toEqual(base.get('x.layer_norm.weight')!.data);
    expect(tensors.get('x.fc1.weight')!.data).toEqual(merged.get('x.fc1.weight')!.data);
    expect(encodeMerged(base, new Map()).digest).toBe(contentDigest(base));
  });

  it('refuses a weight that the base lacks', () => {
    const stray: HostTensor = { shape: [1], dtype: 'F32', data: new Float32Array(1) };
    expect(() => encodeMerged(base, new Map([['y', stray]]))).toThrow('Expected merged weights of the base, got y');
  });
});
