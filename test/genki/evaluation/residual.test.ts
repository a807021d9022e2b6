import { describe, expect, it } from 'vitest';
import { orthogonalNoise } from '../../../genki/attacks/orthogonal-noise.ts';
import { termsOf, sharesOf } from '../../../genki/evaluation/mix.ts';
import { remainderOf, RESIDUAL_CORRELATION } from '../../../genki/evaluation/residual.ts';
import { gramMatrix } from '../../../genki/evaluation/similarity.ts';
import { adapterDelta, type Delta } from '../../../genki/federation/merge.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { randomAdapter } from '../federation/adapters.ts';

const sizes = [{ module: 'x.q_proj', out: 40, in: 30 }, { module: 'x.fc1', out: 50, in: 30 }];
const adapter = (seed: string) => randomAdapter(seed, { sizes, rank: 4 });
const product = (a: Delta, b: Delta): number => [...a].reduce((sum, [module, values]) => sum + values.reduce((s, v, i) => s + v * (b.get(module)?.[i] ?? 0), 0), 0);

describe('remainderOf', () => {
  const [one, two] = [adapter('one'), adapter('two')];
  const copy = orthogonalNoise(one, new Random('noise'), 2);
  const gram = gramMatrix([one, two, copy]);

  it('takes out of a diluted copy all that it has of the original, and says what is left', () => {
    const { residual, norm, correlation } = remainderOf(gram, 2, [0, 1]);
    expect(correlation).toBeGreaterThanOrEqual(1 / Math.sqrt(5) - 1e-6);
    const dense = [one, two, copy].map(adapterDelta);
    const left: Delta = new Map(sizes.map(({ module }) => [module, dense[2]!.get(module)!.map((x, i) => residual.reduce((rest, { index, coefficient }) => rest - coefficient * dense[index]!.get(module)![i]!, x))]));
    expect(Math.abs(product(left, dense[0]!))).toBeLessThan(1e-6 * product(dense[0]!, dense[0]!));
    expect(norm).toBeCloseTo(Math.sqrt(product(left, left)), 6);
  });

  it('leaves whole what is unlike, what comes later, and what was not accepted', () => {
    expect(remainderOf(gram, 1, [0])).toMatchObject({ residual: [], norm: Math.sqrt(gram[1]![1]!) });
    expect(remainderOf(gram, 1, [0]).correlation).toBeLessThan(RESIDUAL_CORRELATION);
    expect(remainderOf(gram, 0, [1, 2])).toMatchObject({ residual: [], correlation: 0 });
    expect(remainderOf(gram, 2, [1])).toMatchObject({ residual: [] });
  });
});

describe('termsOf', () => {
  it('sums what each submission is taken of, in terms of what was handed in', () => {
    const shares = [{ index: 0, factor: 1, residual: [] }, { index: 3, factor: 0.5, residual: [{ index: 0, coefficient: 0.8 }] }];
    expect(termsOf(shares, 0.5)).toEqual([{ index: 0, weight: 0.5 - 0.2 }, { index: 3, weight: 0.25 }]);
    expect(termsOf(shares.slice(1), 1)).toEqual([{ index: 0, weight: -0.4 }, { index: 3, weight: 0.5 }]);
  });

  it('brings what is left to the length, not what was handed in', () => {
    // 3 along the first, 4 of its own
    const gram = [[1], [3, 25]];
    expect(sharesOf(gram, [0, 1], { beside: [0, 1], limit: 2 })).toEqual([
      { index: 0, factor: 1.2, residual: [] },
      { index: 1, factor: 0.5, residual: [{ index: 0, coefficient: 3 }] },
    ]);
  });
});
