import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../genki/errors.ts';
import { mergedWeights } from '../../../../genki/music/adapted-net.ts';
import type { Adapter, AdapterLayer } from '../../../../genki/music/lora.ts';
import { mergeInto, unmergedWeights } from '../../../../genki/music/peft/merge-adapter.ts';
import { mergedSource } from '../../../../genki/music/peft/merged-source.ts';
import { widenF16, narrowF16 } from '../../../../genki/protocol/half-floats.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import type { Dtype, HostTensor } from '../../../../genki/protocol/safetensors.ts';
import { sourceOf } from '../../../../genki/protocol/tensor-source.ts';

const CONFIG = { rank: 1, alpha: 1, targets: ['m'], rslora: false };

/** Weights of all sizes, and an adapter that is smaller than, as large as or larger than they are. */
function seeded(seed: string): { weights: Map<string, HostTensor>; adapter: Adapter } {
  const random = new Random(seed);
  const [rows, columns, rank] = [2 + random.int(6), 1 + random.int(9), 1 + random.int(4)];
  const normals = (length: number, size: number): Float32Array => Float32Array.from({ length }, () => size * random.normal());
  const layer: AdapterLayer = { a: normals(rank * columns, 1), b: normals(rows * rank, 10 ** (random.int(7) - 4)), in: columns, out: rows, rank, scale: random.float() * 3 };
  const weight: HostTensor = { shape: [rows, columns], dtype: 'F32', data: normals(rows * columns, 10 ** (random.int(5) - 3)) };
  return { weights: new Map([['m.weight', weight], ['m.bias', { shape: [1], dtype: 'F32', data: Float32Array.of(7) }]]), adapter: { config: CONFIG, layers: new Map([['m', layer]]) } };
}

/** Distance from a float32 to the next: 2^(exponent - 23). */
const ulp = (value: number): number => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value) || 2 ** -126))) - 23);

describe('mergedWeights', () => {
  it('gives the bits of the sum taken element by element', () => {
    for (let i = 0; i < 300; i++) {
      const { weights, adapter } = seeded(`merge ${i}`);
      const { a, b, in: columns, rank, scale } = adapter.layers.get('m')!;
      const expected = Float32Array.from(weights.get('m.weight')!.data as Float32Array, (base, at) => {
        let update = 0;
        for (let r = 0; r < rank; r++) update += b[Math.floor(at / columns) * rank + r]! * a[r * columns + (at % columns)]!;
        return base + scale * update;
      });
      expect(mergedWeights(weights, adapter).get('m.weight')!.data).toEqual(expected);
    }
  });

  it('leaves what the adapter does not change as it is', () => {
    const { weights, adapter } = seeded('others');
    expect(mergedWeights(weights, adapter).get('m.bias')).toBe(weights.get('m.bias'));
    expect(mergeInto('m.bias', weights.get('m.bias')!, adapter)).toBe(weights.get('m.bias'));
    expect(mergeInto('m', weights.get('m.bias')!, adapter)).toBe(weights.get('m.bias'));
  });
});

describe('unmergedWeights', () => {
  it('is the base within one rounding, and its bits where the merge did not round away any', () => {
    let [exact, kept] = [0, 0];
    for (let i = 0; i < 2000; i++) {
      const { weights, adapter } = seeded(`unmerge ${i}`);
      const merged = mergedWeights(weights, adapter);
      const back = unmergedWeights(merged, adapter).get('m.weight')!.data;
      const [base, with_] = [weights.get('m.weight')!.data, merged.get('m.weight')!.data];
      base.forEach((value, at) => {
        const off = Math.abs(back[at]! - value);
        if (off > ulp(with_[at]!) / 2 + ulp(value) / 2) expect.fail(`${back[at]} for ${value}, merged ${with_[at]}, in case ${i}`);
        if (ulp(with_[at]!) > ulp(value)) return;
        kept++;
        if (off === 0) exact++;
      });
    }
    expect(kept).toBeGreaterThan(20_000);
    expect(exact).toBe(kept);
  });

  it('names a weight that is not there so', () => {
    const { adapter } = seeded('missing');
    expect(() => unmergedWeights(new Map(), adapter)).toThrow('Expected a weight m.weight to merge into, got none');
    expect(() => unmergedWeights(new Map([['m.weight', { shape: [1], dtype: 'F32', data: new Float32Array(1) }]]), adapter)).toThrow(InvalidInput);
  });
});

describe('mergedSource', () => {
  const half = (tensor: HostTensor): HostTensor => ({ ...tensor, dtype: 'F16', data: widenF16(narrowF16(tensor.data as Float32Array)) });

  it('gives each tensor merged as it is read, in float32 or as the base has it', async () => {
    const { weights, adapter } = seeded('source');
    const base = new Map([...weights].map(([name, tensor]) => [name, half(tensor)]));
    const merged = mergeInto('m.weight', base.get('m.weight')!, adapter);
    for (const [asked, dtype, expected] of [['F32', 'F32', merged], ['as in the base', 'F16', half(merged)]] as [('F32' | 'as in the base'), Dtype, HostTensor][]) {
      const source = mergedSource(sourceOf(base), adapter, asked);
      expect([...source.specs].map(([name, spec]) => [name, spec.dtype])).toEqual([['m.weight', dtype], ['m.bias', 'F16']]);
      expect(await source.read('m.weight')).toEqual(expected);
      expect(await source.read('m.bias')).toBe(base.get('m.bias'));
    }
  });

  it('refuses a base that the adapter does not fit before anything is read', () => {
    const { weights, adapter } = seeded('unfit');
    expect(() => mergedSource(sourceOf(new Map()), adapter)).toThrow('Expected a weight m.weight to merge into, got none');
    const other = new Map([['m.weight', { ...weights.get('m.weight')!, shape: [1, 1] }]]);
    expect(() => mergedSource(sourceOf(other), adapter)).toThrow('got [1, 1]');
  });

  it('refuses to write a weight that leaves what its dtype holds', async () => {
    const { weights, adapter } = seeded('beyond');
    const layer = adapter.layers.get('m')!;
    const large: Adapter = { config: CONFIG, layers: new Map([['m', { ...layer, a: layer.a.map(() => 1000), b: layer.b.map(() => 1000), scale: 1 }]]) };
    const base = sourceOf(new Map([...weights].map(([name, tensor]) => [name, half(tensor)])));
    await expect(mergedSource(base, large, 'as in the base').read('m.weight')).rejects.toThrow('Expected m.weight to hold the adapter in F16, got Infinity at 0');
    expect((await mergedSource(base, large).read('m.weight')).dtype).toBe('F32');
  });
});
