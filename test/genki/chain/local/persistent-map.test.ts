import { describe, expect, it } from 'vitest';
import { PersistentMap } from '../../../../genki/chain/local/persistent-map.ts';
import { Random } from '../../../../genki/protocol/random.ts';

describe('PersistentMap', () => {
  it('agrees with a plain map in every version, old ones included', () => {
    const random = new Random('persistent-map');
    const versions = [{ map: new PersistentMap<number>(), plain: new Map<string, number>() }];
    for (let i = 0; i < 500; i++) {
      const { map, plain } = random.pick(versions);
      const key = `key ${random.int(200)}`;
      versions.push({ map: map.set(key, i), plain: new Map(plain).set(key, i) });
    }
    const keys = Array.from({ length: 200 }, (_, k) => `key ${k}`);
    for (const { map, plain } of versions.slice(-20)) {
      const sorted = [...plain].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(map.entries()).toEqual(sorted);
      // the order in which it was filled leaves no trace
      expect(PersistentMap.from(random.shuffle(sorted)).entries()).toEqual(sorted);
    }
    for (const { map, plain } of versions) expect(keys.map((key) => map.get(key))).toEqual(keys.map((key) => plain.get(key)));
  });
});
