import { describe, expect, it } from 'vitest';
import { deduplicate } from '../../../genki/evaluation/duplicates.ts';
import { similarities, updateCosine, updateInnerProduct } from '../../../genki/evaluation/similarity.ts';
import { adapterDelta } from '../../../genki/federation/merge.ts';
import { byteCopy, noisyCopy, nothing, permutedCopy, rescaledCopy, signFlip } from '../../../genki/federation/attacks.ts';
import type { Adapter } from '../../../genki/music/lora.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { nanoSizes, randomAdapter } from '../federation/adapters.ts';

const dot = (x: Adapter, y: Adapter): number => {
  const other = adapterDelta(y);
  return [...adapterDelta(x)].reduce((sum, [module, values]) => sum + values.reduce((s, v, i) => s + v * other.get(module)![i]!, 0), 0);
};

describe('updateCosine', () => {
  it('is that of the dense updates', () => {
    for (let seed = 0; seed < 20; seed++) {
      const [x, y] = [randomAdapter(`x${seed}`, { rank: 3 }), randomAdapter(`y${seed}`, { rank: 2, alpha: 9 })];
      expect(updateInnerProduct(x, y)).toBeCloseTo(dot(x, y), 8);
      expect(updateCosine(x, y)).toBeCloseTo(dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)), 5);
      expect(updateCosine(x, y)).toBeCloseTo(updateCosine(y, x), 12);
    }
  });

  it('sees through rescaling and permuting of A against B', () => {
    const [x, y] = [randomAdapter('x', { rank: 4 }), randomAdapter('y', { rank: 4 })];
    expect(updateCosine(rescaledCopy(x, 1000), y)).toBeCloseTo(updateCosine(x, y), 6);
    expect(updateCosine(permutedCopy(x), y)).toBeCloseTo(updateCosine(x, y), 6);
  });

  it('is 0 where there is nothing to compare', () => {
    const x = randomAdapter('x');
    expect(updateCosine(nothing(x), x)).toBe(0);
    expect(updateCosine({ ...x, layers: new Map() }, x)).toBe(0);
  });
});

describe('similarities', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((seed) => randomAdapter(seed, { sizes: nanoSizes, rank: 8 })) as [Adapter, Adapter, Adapter];
  const submit = (...adapters: readonly Adapter[]) => similarities(adapters.map((adapter, i) => ({ digest: `${i}`, adapter })));

  it('looks back only, so the first has none and an original is no copy of its copy', () => {
    const found = submit(a, b, rescaledCopy(a), c);
    expect(found[0]).toEqual({ similarity: 0 });
    expect(found[2]).toEqual({ similarity: expect.closeTo(1, 6), to: 0 });
    expect(found[1]!.similarity).toBeLessThan(0.1);
    expect(found[3]!.similarity).toBeLessThan(0.1);
  });

  it('counts the same content as the same even where there is no direction', () => {
    const twice = similarities([nothing(a), nothing(a)].map((adapter) => ({ digest: 'same', adapter })));
    expect(twice[1]).toEqual({ similarity: 1, to: 0 });
  });

  it('names the closest of several', () => {
    const found = submit(a, noisyCopy(a, new Random('n'), 0.5), byteCopy(a));
    expect(found[1]!.to).toBe(0);
    expect(found[2]).toEqual({ similarity: expect.closeTo(1, 9), to: 0 });
  });

  it('takes the opposite for as derived as a copy', () => {
    expect(submit(a, signFlip(a))[1]).toEqual({ similarity: expect.closeTo(1, 6), to: 0 });
  });
});

describe('deduplicate', () => {
  it('keeps the originals in commit order and says what was copied', () => {
    const { originals, duplicates } = deduplicate([{ similarity: 0 }, { similarity: 0.04, to: 0 }, { similarity: 0.5, to: 1 }, { similarity: 1, to: 0 }]);
    expect(originals).toEqual([0, 1]);
    expect(duplicates.map(({ index, to }) => [index, to])).toEqual([[2, 1], [3, 0]]);
    expect(duplicates[0]!.reason).toBe('copy of an earlier submission: similarity 0.500, 0.5 or more is a copy');
  });
});
