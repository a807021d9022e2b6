import { describe, expect, it } from 'vitest';
import { BaseStep, BaseVersion, rebaseVerdict } from '../../../../genki/federation/lora/lineage.ts';
import { rebase } from '../../../../genki/federation/lora/rebase.ts';
import type { WeightedAdapter } from '../../../../genki/federation/lora/stack.ts';
import type { Adapter } from '../../../../genki/music/lora.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { anyAdapter, anyLayer, denseUpdate, distance, normOf, oneLayer, productOf } from './support.ts';

/** W + Σ weight · ΔW in float64, of every module that is touched. */
function moved(weights: ReadonlyMap<string, Float64Array>, parts: readonly WeightedAdapter[]): Map<string, Float64Array> {
  const updates = denseUpdate(parts);
  return new Map([...weights].map(([module, base]) => [module, base.map((value, i) => value + (updates.get(module)?.[i] ?? 0))]));
}

describe('rebase', () => {
  it('makes of the new base what the adapter made of the old one', () => {
    const random = new Random('rebase');
    for (let n = 0; n < 100; n++) {
      const adapter = anyAdapter(random);
      const merged = Array.from({ length: 1 + random.int(3) }, () => ({ adapter: anyAdapter(random), weight: 2 * random.float() - 0.5 }));
      const all = [{ adapter, weight: 1 }, ...merged];
      const old = new Map([...denseUpdate(all)].map(([module, { length }]) => [module, Float64Array.from({ length }, () => random.normal())]));
      const wanted = moved(old, [{ adapter, weight: 1 }]);
      const { kind, adapter: rebased } = rebase({ adapter, merged });
      const got = moved(moved(old, merged), [{ adapter: rebased, weight: 1 }]);
      expect(kind).toBe('exact');
      for (const [module, weights] of wanted) expect(distance(got.get(module)!, weights)).toBeLessThan(1e-12);
    }
  });

  it('leaves of an adapter that was merged itself what the merge left out, at its own rank', () => {
    const adapter = oneLayer(anyLayer(new Random('own'), { out: 6, in: 5, rank: 3, scale: 2 }));
    const layer = adapter.layers.get('x.q_proj')!;
    expect(rebase({ adapter, merged: [{ adapter, weight: 0.75 }] }).adapter.layers.get('x.q_proj')).toEqual({ ...layer, scale: 0.5 });
    expect(normOf(productOf(rebase({ adapter, merged: [{ adapter, weight: 1 }] }).adapter.layers.get('x.q_proj')!))).toBe(0);
    expect(rebase({ adapter, merged: [] }).adapter.layers).toEqual(adapter.layers);
  });

  it('takes off modules that the adapter does not have', () => {
    const only = (module: string): Adapter => ({ config: { rank: 1, alpha: 1, targets: [], rslora: false }, layers: new Map([[module, anyLayer(new Random(module), { out: 3, in: 2, rank: 1, scale: 1 })]]) });
    const { layers } = rebase({ adapter: only('x'), merged: [{ adapter: only('y'), weight: 1 }] }).adapter;
    expect([...layers.keys()]).toEqual(['x', 'y']);
    expect(layers.get('y')!.b).toEqual(only('y').layers.get('y')!.b.map((value) => -value));
  });
});

const digest = (name: string): string => Buffer.alloc(32, name).toString('base64');
const file = (name: string): string => Buffer.alloc(32, name).toString('hex');
const part = (name: string, weight: number): { adapter: string; weight: number } => ({ adapter: file(name), weight });
const merges = (...parts: { adapter: string; weight: number }[]): { kind: 'merge'; parts: { adapter: string; weight: number }[] } => ({ kind: 'merge', parts });

/** a → b → c → d by merges, c → t by training, b → e by a merge. */
const lineage: BaseVersion[] = [
  { base: digest('d'), previous: digest('c'), steps: [merges(part('4', 0.25)), merges(part('1', -0.5))] },
  { base: digest('b'), previous: digest('a'), steps: [merges(part('1', 0.5), part('2', 0.4))] },
  { base: digest('c'), previous: digest('b'), steps: [merges(part('3', 1))] },
  { base: digest('t'), previous: digest('c'), steps: [merges(part('5', 1)), { kind: 'pretrain', steps: 1200 }] },
  { base: digest('u'), previous: digest('t'), steps: [merges(part('6', 1))] },
  { base: digest('e'), previous: digest('b'), steps: [merges(part('7', 0.125))] },
];
const verdict = (from: string, to: string): unknown => rebaseVerdict({ from: digest(from), to: digest(to), lineage });

describe('BaseVersion', () => {
  it('takes the steps that a manifest records, and nothing else', () => {
    for (const version of lineage) expect(BaseVersion.parse(version)).toEqual(version);
    for (const wrong of [{ ...lineage[0], steps: [] }, { ...lineage[0], base: 'a' }, { ...lineage[0], at: 1 }]) expect(BaseVersion.safeParse(wrong).success).toBe(false);
    for (const wrong of [merges(), merges({ adapter: 'a', weight: 1 }), merges(part('1', NaN)), { kind: 'pretrain', steps: 0 }, { kind: 'merge', steps: 1 }]) expect(BaseStep.safeParse(wrong).success).toBe(false);
  });
});

describe('rebaseVerdict', () => {
  it('is exact along merges, with all that they added, in order', () => {
    expect(verdict('a', 'd')).toEqual({ kind: 'exact', merged: [part('1', 0.5), part('2', 0.4), part('3', 1), part('4', 0.25), part('1', -0.5)] });
    expect(verdict('b', 'c')).toEqual({ kind: 'exact', merged: [part('3', 1)] });
    expect(verdict('t', 'u')).toEqual({ kind: 'exact', merged: [part('6', 1)] });
  });

  it('takes off again what an older base, or another branch, does not have', () => {
    expect(verdict('c', 'a')).toEqual({ kind: 'exact', merged: [part('3', -1), part('1', -0.5), part('2', -0.4)] });
    expect(verdict('d', 'b')).toEqual({ kind: 'exact', merged: [part('1', 0.5), part('4', -0.25), part('3', -1)] });
    expect(verdict('c', 'e')).toEqual({ kind: 'exact', merged: [part('3', -1), part('7', 0.125)] });
  });

  it('needs nothing where the base is the same, known or not', () => {
    expect(verdict('c', 'c')).toEqual({ kind: 'exact', merged: [] });
    expect(verdict('z', 'z')).toEqual({ kind: 'exact', merged: [] });
  });

  it('asks for refinement where there was training on the way, forward or back', () => {
    const reason = (from: string, to: string): string => `The bases ${digest(from)} and ${digest(to)} are 1200 steps of training apart, which no adapter can make up for exactly`;
    for (const [from, to] of [['a', 't'], ['b', 'u'], ['u', 'b'], ['t', 'e']] as const) expect(verdict(from, to)).toEqual({ kind: 're-refine', reason: reason(from, to) });
  });

  it('asks for refinement where no way is known, also when a lineage runs in a circle', () => {
    expect(verdict('a', 'z')).toEqual({ kind: 're-refine', reason: `No lineage leads from the base ${digest('a')} to ${digest('z')}` });
    const circle = [merges(part('1', 1))];
    const versions = [{ base: digest('a'), previous: digest('b'), steps: circle }, { base: digest('b'), previous: digest('a'), steps: circle }];
    expect(rebaseVerdict({ from: digest('a'), to: digest('z'), lineage: versions }).kind).toBe('re-refine');
  });

  it('says what rebase has to take off: there and back is the adapter itself', () => {
    const random = new Random('there and back');
    const adapters = new Map(['1', '2', '3', '4'].map((name) => [file(name), oneLayer(anyLayer(random, { out: 6, in: 5, rank: 2, scale: 2 }))]));
    const adapter = oneLayer(anyLayer(random, { out: 6, in: 5, rank: 2, scale: 2 }));
    const moves = (own: Adapter, from: string, to: string): Adapter => {
      const found = rebaseVerdict({ from: digest(from), to: digest(to), lineage });
      if (found.kind !== 'exact') throw new Error(found.reason);
      return rebase({ adapter: own, merged: found.merged.map((merged) => ({ adapter: adapters.get(merged.adapter)!, weight: merged.weight })) }).adapter;
    };
    const back = moves(moves(adapter, 'a', 'd'), 'd', 'a');
    expect(distance(productOf(back.layers.get('x.q_proj')!), productOf(adapter.layers.get('x.q_proj')!))).toBeLessThan(1e-12);
  });
});
