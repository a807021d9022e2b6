import { describe, expect, it } from 'vitest';
import { deduplicate } from '../../../genki/evaluation/duplicates.ts';
import { closestEarlier, gramMatrix, similarities, updateCosine, updateInnerProduct } from '../../../genki/evaluation/similarity.ts';
import { adapterDelta } from '../../../genki/federation/merge.ts';
import { byteCopy } from '../../../genki/attacks/byte-copy.ts';
import { nothing } from '../../../genki/attacks/junk.ts';
import { noisyCopy } from '../../../genki/attacks/noisy-copy.ts';
import { mixture } from '../../../genki/attacks/mixture.ts';
import { permutedCopy, rescaledCopy, rotatedCopy } from '../../../genki/attacks/same-update.ts';
import { signFlip } from '../../../genki/attacks/sign-flip.ts';
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

/** The same update with matrices of rank 12. */
const wide = (adapter: Adapter): Adapter => ({
  config: { ...adapter.config, rank: 12 },
  layers: new Map([...adapter.layers].map(([module, { a, b, in: columns, out, rank, scale }]) => [
    module,
    {
      a: Float32Array.from({ length: 12 * columns }, (_, i) => a[i] ?? 0),
      b: Float32Array.from({ length: 12 * out }, (_, i) => (i % 12 < rank ? b[Math.floor(i / 12) * rank + (i % 12)]! : 0)),
      in: columns,
      out,
      rank: 12,
      scale,
    },
  ])),
});

describe('similarities', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((seed) => randomAdapter(seed, { sizes: nanoSizes, rank: 8 })) as [Adapter, Adapter, Adapter];
  const submit = (...adapters: readonly Adapter[]) => similarities(adapters.map((adapter, i) => ({ digest: `${i}`, adapter })));

  it('looks back only, so the first has none and an original is no copy of its copy', () => {
    const found = submit(a, b, rescaledCopy(a), c);
    expect(found[0]).toEqual({ similarity: 0 });
    expect(found[2]).toEqual({ similarity: expect.closeTo(1, 6), to: 0, by: 'update' });
    expect(found[1]!.similarity).toBeLessThan(0.1);
    expect(found[3]!.similarity).toBeLessThan(0.1);
  });

  it('counts the same content as the same even where there is no direction', () => {
    const twice = similarities([nothing(a), nothing(a)].map((adapter) => ({ digest: 'same', adapter })));
    expect(twice[1]).toEqual({ similarity: 1, to: 0, by: 'digest' });
  });

  it('names the closest of several', () => {
    const found = submit(a, noisyCopy(a, new Random('n'), 0.5), byteCopy(a));
    expect(found[1]!.to).toBe(0);
    expect(found[2]).toEqual({ similarity: expect.closeTo(1, 9), to: 0, by: 'update' });
  });

  it('sees through what leaves the product of A and B as it is', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = new Random(`disguise ${seed}`);
      const [one, other] = [`one ${seed}`, `other ${seed}`].map((name) => randomAdapter(name, { rank: 3 })) as [Adapter, Adapter];
      for (const disguised of [rescaledCopy(other, 10 ** (random.int(7) - 3)), permutedCopy(other), rotatedCopy(other, random), signFlip(other)]) {
        const found = similarities([one, other, disguised].map((adapter, i) => ({ digest: `${i}`, adapter })));
        expect(found[2]!.similarity).toBeCloseTo(1, 5);
        expect(found[2]!.to).toBe(1);
      }
    }
  });

  it('finds a mixture of noisy copies where no single one is close, and names the one that is closest', () => {
    const sources = Array.from({ length: 6 }, (_, i) => randomAdapter(`source ${i}`, { sizes: nanoSizes, rank: 2 }));
    const noisy = sources.map((adapter, i) => ({ adapter: { ...noisyCopy(adapter, new Random(`n${i}`), 0.2), config: { ...adapter.config, rank: 12 } }, weight: i === 4 ? 1.1 : 1 }));
    const [mixed] = [mixture([{ adapter: wide(sources[0]!), weight: 0 }, ...noisy])];
    const found = similarities([...sources, mixed].map((adapter, i) => ({ digest: `${i}`, adapter })));
    expect(Math.max(...sources.map((source) => Math.abs(updateCosine(source, mixed))))).toBeLessThan(0.5);
    expect(found[6]).toEqual({ similarity: expect.closeTo(1 / 1.04, 1), to: 4, by: 'span' });
    expect(deduplicate(found).duplicates.map(({ index }) => index)).toEqual([6]);
  });

  it('looks at a span, and at what is heard, only where nothing simpler tells', () => {
    const gram = [[1], [0, 1], [0.6, 0.8, 1], [0.4, 0.4, 0.56, 1]];
    const digests = ['a', 'b', 'c', 'd'];
    expect(closestEarlier({ digests, gram }, 2)).toEqual({ similarity: 0.8, to: 1, by: 'update' });
    expect(closestEarlier({ digests, gram, copyCosine: 0.9 }, 2)).toEqual({ similarity: 1, to: 1, by: 'span' });
    expect(closestEarlier({ digests: ['a', 'b', 'a', 'd'], gram }, 2)).toEqual({ similarity: 1, to: 0, by: 'digest' });
    expect(closestEarlier({ digests, gram, copyCosine: 0.9, outputs: (_, earlier) => (earlier === 0 ? 0.97 : 0.2) }, 3)).toEqual({ similarity: 0.97, to: 0, by: 'outputs' });
    expect(closestEarlier({ digests, gram, copyCosine: 0.9, outputs: () => 0.94 }, 3)).toEqual({ similarity: expect.closeTo(Math.sqrt(0.32), 9), to: 2, by: 'span' });
  });

  it('has the inner products of all pairs below the diagonal', () => {
    const gram = gramMatrix([a, b, c]);
    expect(gram.map((row) => row.length)).toEqual([1, 2, 3]);
    expect(gram[2]![1]).toBe(updateInnerProduct(c, b));
  });

  it('takes the opposite for as derived as a copy', () => {
    expect(submit(a, signFlip(a))[1]).toEqual({ similarity: expect.closeTo(1, 6), to: 0, by: 'update' });
  });
});

describe('deduplicate', () => {
  it('keeps the originals in commit order and says what was copied', () => {
    const { originals, duplicates } = deduplicate([{ similarity: 0 }, { similarity: 0.04, to: 0 }, { similarity: 0.5, to: 1 }, { similarity: 1, to: 0 }]);
    expect(originals).toEqual([0, 1]);
    expect(duplicates.map(({ index, to }) => [index, to])).toEqual([[2, 1], [3, 0]]);
    expect(duplicates[0]!.reason).toBe('copy of an earlier submission: similarity 0.500, 0.5 or more is a copy');
  });

  it('calls a mixture only what the crowd of one style cannot come to', () => {
    const { originals, duplicates } = deduplicate([{ similarity: 0 }, { similarity: 0.69, to: 0, by: 'span' }, { similarity: 0.7, to: 0, by: 'span' }]);
    expect(originals).toEqual([0, 1]);
    expect(duplicates[0]!.reason).toBe('mixture of earlier submissions: similarity 0.700, 0.7 or more is a copy');
  });
});
