import { describe, expect, it } from 'vitest';
import { startOf } from '../../../../genki/federation/lora/start.ts';
import { stackAdapters } from '../../../../genki/federation/lora/stack.ts';
import { initialAdapter } from '../../../../genki/music/adapted-net.ts';
import type { Adapter } from '../../../../genki/music/lora.ts';
import { decodeAdapter, encodeAdapter } from '../../../../genki/music/lora.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { TOY, TOY_LORA } from '../../music/support/toys.ts';
import { distance, productOf } from './support.ts';

const blank = initialAdapter(TOY, TOY_LORA, new Random('blank'));

/** Of the wanted shape, with as many ranks in use. */
function anyOf(seed: string, ranks: number): Adapter {
  const random = new Random(seed);
  const adapter = initialAdapter(TOY, TOY_LORA, random);
  for (const { b, rank } of adapter.layers.values()) b.forEach((_, i) => (b[i] = i % rank < ranks ? random.normal() : 0));
  return adapter;
}
const farOff = (one: Adapter, other: Adapter): number => Math.max(...[...one.layers].map(([module, layer]) => distance(productOf(layer), productOf(other.layers.get(module)!))));

describe('what training begins with', () => {
  it('is one adapter as it is', () => {
    const one = anyOf('one', TOY_LORA.rank);
    const { adapter, error } = startOf([{ adapter: one, weight: 1 }], blank);
    expect([encodeAdapter(adapter), error.overall]).toEqual([encodeAdapter(one), 0]);
  });

  it('is the sum where that fits, in the competition\'s shape; what it has no need of can be learnt', () => {
    const [one, other] = [anyOf('one', 1), anyOf('other', 1)];
    const { adapter, error } = startOf([{ adapter: one, weight: 1 }, { adapter: other, weight: -1 }], blank);
    const sum = stackAdapters([{ adapter: one, weight: 1 }, { adapter: other, weight: -1 }]);
    if (TOY_LORA.rank >= 2) expect([farOff(sum, adapter) < 1e-6, error.overall < 1e-6]).toEqual([true, true]);
    expect(decodeAdapter(encodeAdapter(adapter), { music: TOY, lora: TOY_LORA }).config).toEqual(TOY_LORA);
    // taken off itself nothing is left, and all of it is to be learnt
    const none = startOf([{ adapter: one, weight: 1 }, { adapter: one, weight: -1 }], blank);
    for (const [module, { a, b, rank, in: columns }] of none.adapter.layers) {
      expect(b.every((value) => value === 0)).toBe(true);
      expect(Array.from({ length: rank }, (_, r) => a.subarray(r * columns, (r + 1) * columns).some((value) => value !== 0)), module).toEqual(Array<boolean>(rank).fill(true));
    }
  });

  it('says what does not fit', () => {
    const parts = ['one', 'other', 'third'].map((seed) => ({ adapter: anyOf(seed, TOY_LORA.rank), weight: 1 }));
    const { adapter, error } = startOf(parts, blank);
    expect(error.overall).toBeGreaterThan(0.01);
    expect(error.overall).toBeLessThan(1);
    expect(decodeAdapter(encodeAdapter(adapter), { music: TOY, lora: TOY_LORA }).layers.size).toBe(blank.layers.size);
  });
});
