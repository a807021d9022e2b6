import { describe, expect, it } from 'vitest';
import { PersistentMap } from '../../../../genki/chain/local/persistent-map.ts';
import { decodeState, encodeState } from '../../../../genki/chain/local/state-codec.ts';
import { Random } from '../../../../genki/protocol/random.ts';

/** Any value that a state may hold. */
function anyValue(random: Random, depth: number): unknown {
  const few = <T>(make: () => T): T[] => Array.from({ length: random.int(4) }, make);
  const inner = (): unknown => anyValue(random, depth - 1);
  const name = (): string => `é${random.int(1_000_000)}`;
  const kinds: (() => unknown)[] = [
    () => 2n ** 64n - BigInt(random.int(100)),
    () => -random.float() * 1e9,
    name,
    () => null,
    () => random.chance(0.5),
    () => few(inner),
    () => Object.fromEntries(few(() => [name(), inner()])),
    () => new Map(few(() => [name(), inner()])),
    () => PersistentMap.from(few(() => [name(), inner()] as const)),
  ];
  return kinds[random.int(depth > 0 ? kinds.length : 5)]!();
}

describe('the bytes of a state', () => {
  it('come back as the same value, whatever it holds', () => {
    const random = new Random('state-codec');
    for (let i = 0; i < 200; i++) {
      const value = { state: anyValue(random, 4) };
      const back = decodeState(encodeState(value));
      expect(back).toEqual(value);
      expect(encodeState(back)).toEqual(encodeState(value));
    }
  });

  it('keep a persistent map as one, with all its entries', () => {
    const map = PersistentMap.from(Array.from({ length: 300 }, (_, i) => [`key ${i}`, BigInt(i)] as const));
    const { back } = decodeState(encodeState({ back: map })) as { back: PersistentMap<bigint> };
    expect(back).toBeInstanceOf(PersistentMap);
    expect(back.entries()).toEqual(map.entries());
    expect(back.set('key 7', 0n).get('key 7')).toBe(0n);
  });

  it.each([
    ['a function', () => 1],
    ['a class', new Date()],
    ['a set', new Set([1])],
    ['the mark of its own', { persistentMap: [] }],
  ])('refuse %s, which would come back as something else', (_, value) => {
    expect(() => encodeState([value])).toThrow(TypeError);
  });
});
