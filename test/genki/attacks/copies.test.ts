import { describe, expect, it } from 'vitest';
import { byteCopy } from '../../../genki/attacks/byte-copy.ts';
import { junk, nothing } from '../../../genki/attacks/junk.ts';
import { mixture } from '../../../genki/attacks/mixture.ts';
import { nearTwin } from '../../../genki/attacks/near-twin.ts';
import { noisyCopy } from '../../../genki/attacks/noisy-copy.ts';
import { inflateNorm, shrinkNorm } from '../../../genki/attacks/norm.ts';
import { orthogonalNoise } from '../../../genki/attacks/orthogonal-noise.ts';
import { permutedCopy, rescaledCopy, rotatedCopy } from '../../../genki/attacks/same-update.ts';
import { signFlip } from '../../../genki/attacks/sign-flip.ts';
import { splitByModules, splitByRank } from '../../../genki/attacks/sybil-split.ts';
import { updateCosine, updateInnerProduct } from '../../../genki/evaluation/similarity.ts';
import { adapterDelta, type Delta } from '../../../genki/federation/merge.ts';
import { encodeAdapter, updateNorm, type Adapter } from '../../../genki/music/lora.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentDigest, decodeSafetensors } from '../../../genki/protocol/safetensors.ts';
import { nanoSizes, randomAdapter, smallSizes } from '../federation/adapters.ts';

const nano = (seed: string): Adapter => randomAdapter(seed, { sizes: nanoSizes.slice(0, 10), rank: 8, alpha: 16 });
const small = (seed: string, rank = 3): Adapter => randomAdapter(seed, { rank, alpha: 2 * rank });
const honest = nano('honest');
const digest = (adapter: Adapter): string => contentDigest(decodeSafetensors(encodeAdapter(adapter)).tensors);

/** Largest difference of two updates over the largest value of the second. */
function apart(one: Delta, other: Delta): number {
  const of = (change: (a: number, b: number) => number): number => Math.max(...[...other].flatMap(([module, values]) => values.reduce((most, value, i) => Math.max(most, Math.abs(change(one.get(module)![i]!, value))), 0)));
  return of((a, b) => a - b) / of((_, b) => b);
}

const sumOf = (adapters: readonly Adapter[]): Delta => {
  const [first, ...rest] = adapters.map(adapterDelta);
  return new Map([...first!].map(([module, values]) => [module, values.map((value, i) => rest.reduce((sum, delta) => sum + delta.get(module)![i]!, value))]));
};

describe('copies', () => {
  it('of the bytes have the same digest', () => expect(digest(byteCopy(honest))).toBe(digest(honest)));

  it.each([
    ['rescaling', (adapter: Adapter) => rescaledCopy(adapter, 4)],
    ['permuting', permutedCopy],
    ['rotating', (adapter: Adapter) => rotatedCopy(adapter, new Random('rotation'))],
  ])('by %s have the same update to a millionth, and another digest', (_, hide) => {
    for (const adapter of [honest, ...Array.from({ length: 20 }, (__, seed) => small(`${seed}`, 1 + (seed % 4)))]) {
      const copy = hide(adapter);
      expect(apart(adapterDelta(copy), adapterDelta(adapter))).toBeLessThan(1e-6);
      expect(updateCosine(copy, adapter)).toBeCloseTo(1, 6);
      // one row has no other order
      if (adapter.config.rank > 1) expect(digest(copy)).not.toBe(digest(adapter));
    }
  });

  it('by a rotation have no number of the original left', () => {
    const copy = rotatedCopy(honest, new Random('rotation'));
    const kept = [...honest.layers].reduce((count, [module, { a, b }]) => count + a.filter((value, i) => value === copy.layers.get(module)!.a[i]).length + b.filter((value, i) => value === copy.layers.get(module)!.b[i]).length, 0);
    expect(kept).toBeLessThan(10);
  });

  it('under noise are as close as it says', () => {
    expect(updateCosine(noisyCopy(honest, new Random('noise')), honest)).toBeCloseTo(1 / 1.01, 2);
    expect(updateCosine(noisyCopy(honest, new Random('noise'), 1.2), honest)).toBeCloseTo(1 / 2.44, 2);
  });

  it.each([0.5, 1, 2, 4])('beside orthogonal noise of %f times its length keep all of the original', (amount) => {
    for (const adapter of [honest, small('x'), small('y', 1)]) {
      const copy = orthogonalNoise(adapter, new Random(`noise ${amount}`), amount);
      const length = updateNorm(adapter) ** 2;
      // ⟨ΔW + N, ΔW⟩ = ‖ΔW‖² says that N has nothing along ΔW
      expect(updateInnerProduct(copy, adapter) / length).toBeCloseTo(1, 6);
      expect(updateNorm(copy) ** 2 / length).toBeCloseTo(1 + amount ** 2, 5);
      expect(updateCosine(copy, adapter)).toBeCloseTo(1 / Math.sqrt(1 + amount ** 2), 6);
    }
  });

  it('turned round undo the original', () => expect(updateCosine(signFlip(honest), honest)).toBeCloseTo(-1, 6));
});

describe('a mixture', () => {
  const unlike = ['1', '2', '3', '4', '5'].map(nano);

  it('of one is that one', () => {
    for (const adapter of [honest, small('x', 4)]) expect(apart(adapterDelta(mixture([{ adapter, weight: 1 }])), adapterDelta(adapter))).toBeLessThan(1e-6);
  });

  it('within its rank is the weighted sum, exactly', () => {
    const [x, y] = splitByRank(small('x', 4), 2) as [Adapter, Adapter];
    const parts = mixture([{ adapter: x, weight: 0.25 }, { adapter: y, weight: -2 }]);
    expect(apart(adapterDelta(parts), sumOf([inflateNorm(x, 0.25), inflateNorm(y, -2)]))).toBeLessThan(1e-6);
  });

  it('of unlike ones is the closest of its rank, and nearer to none than 1 / √k', () => {
    const mixed = mixture(unlike.map((adapter) => ({ adapter, weight: 1 })) as [{ adapter: Adapter; weight: number }]);
    const whole = Math.sqrt(unlike.reduce((sum, adapter) => sum + updateNorm(adapter) ** 2, 0));
    const cosines = unlike.map((adapter) => updateCosine(mixed, adapter));
    for (const cosine of cosines) {
      expect(cosine).toBeGreaterThan(0.1);
      expect(cosine).toBeLessThan(1 / Math.sqrt(5) + 0.02);
    }
    // what the truncation keeps lies within the sum: ⟨cut, sum⟩ = ‖cut‖²
    const along = unlike.reduce((sum, adapter) => sum + updateInnerProduct(mixed, adapter), 0);
    expect(along / updateNorm(mixed) ** 2).toBeCloseTo(1, 3);
    expect(updateNorm(mixed)).toBeLessThan(whole);
  });

  it('cuts to the rank by the largest singular values', () => {
    const [, smallSize] = smallSizes;
    const only = (seed: string, factor: number): Adapter => inflateNorm(randomAdapter(seed, { sizes: [smallSize!], rank: 1, alpha: 1 }), factor);
    const [large, little] = [only('large', 1000), only('little', 1e-3)];
    expect(updateCosine(mixture([{ adapter: large, weight: 1 }, { adapter: little, weight: 1 }]), large)).toBeCloseTo(1, 6);
  });

  it('of a victim and one’s own is as near to the victim as it is told to be', () => {
    for (const cosine of [0.3, 0.48]) expect(updateCosine(nearTwin(small('victim'), small('own'), cosine), small('victim'))).toBeCloseTo(cosine, 2);
  });
});

describe('a split', () => {
  it.each([
    ['modules', splitByModules],
    ['ranks', splitByRank],
  ])('by %s has parts that sum to the whole', (_, split) => {
    for (const [adapter, parts] of [[honest, 2], [honest, 5], [small('x', 4), 2]] as const) {
      const pieces = split(adapter, parts);
      expect(pieces).toHaveLength(parts);
      expect(apart(sumOf(pieces), adapterDelta(adapter))).toBeLessThan(1e-6);
      for (const piece of pieces) expect(updateNorm(piece)).toBeGreaterThan(0);
    }
  });

  it('by modules has parts that are orthogonal', () => {
    const [x, y] = splitByModules(honest, 2) as [Adapter, Adapter];
    expect(updateInnerProduct(x, y)).toBe(0);
  });
});

describe('what was never learned', () => {
  it('is as long as the honest update in every module, and unlike it', () => {
    const random = junk(honest, new Random('junk'));
    expect(updateNorm(random)).toBeCloseTo(updateNorm(honest), 4);
    expect(Math.abs(updateCosine(random, honest))).toBeLessThan(0.05);
    for (const [module, layer] of honest.layers) {
      const alone = (adapter: Adapter): number => updateNorm({ config: honest.config, layers: new Map([[module, adapter.layers.get(module)!]]) });
      expect(alone(random) / alone({ ...honest, layers: new Map([[module, layer]]) })).toBeCloseTo(1, 4);
    }
  });

  it('may be nothing', () => {
    expect(updateInnerProduct(nothing(honest), nothing(honest))).toBe(0);
    expect(updateNorm(junk(nothing(honest), new Random('junk')))).toBe(0);
  });
});

it('changes a norm by its factor', () => {
  expect(updateNorm(inflateNorm(honest)) / updateNorm(honest)).toBeCloseTo(3, 5);
  expect(updateNorm(shrinkNorm(honest)) / updateNorm(honest)).toBeCloseTo(1e-3, 8);
});

it('leaves what it was made from as it was', () => {
  const before = digest(honest);
  const random = new Random('any');
  [byteCopy(honest), noisyCopy(honest, random), orthogonalNoise(honest, random, 1), rescaledCopy(honest), permutedCopy(honest), rotatedCopy(honest, random), signFlip(honest), inflateNorm(honest), junk(honest, random), nothing(honest), splitByModules(honest, 2), splitByRank(honest, 2)].flat().forEach((made) => expect(made.layers.size).toBe(honest.layers.size));
  expect(digest(honest)).toBe(before);
});
