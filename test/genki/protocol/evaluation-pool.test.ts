import { describe, expect, it } from 'vitest';
import { drawPool, type Candidate, type Past } from '../../../genki/protocol/evaluation-pool.ts';
import { Random } from '../../../genki/protocol/random.ts';

const candidate = (hotkey: string, commitBlock: number, more: Partial<Candidate> = {}): Candidate => ({ hotkey, registeredAt: 0, commitBlock, commitIndex: 0, ...more });
const names = (all: readonly Candidate[]): string[] => all.map(({ hotkey }) => hotkey);
const drawnOf = (...args: Parameters<typeof drawPool>): string[] => names(drawPool(...args).drawn);

describe('drawPool', () => {
  const five = ['a', 'b', 'c', 'd', 'e'].map((name, i) => candidate(name, 10 + i));

  it('takes everybody where there is room, in commit order', () => {
    expect(drawPool([...five].reverse(), [], { top: 2, fresh: 3 })).toEqual({ drawn: five, waiting: [] });
  });

  it('takes the best of the last report, then those who have waited longest', () => {
    // e and d were paid; a was looked at in block 90, b and c never
    const past: Past[] = [{ hotkey: 'e', registeredAt: 0, weight: 0.3, waitingSince: 90 }, { hotkey: 'd', registeredAt: 0, weight: 0.7, waitingSince: 90 }, { hotkey: 'a', registeredAt: 0, weight: 0, waitingSince: 90 }];
    const { drawn, waiting } = drawPool(five, past, { top: 1, fresh: 2 });
    expect(names(drawn)).toEqual(['b', 'c', 'd']);
    expect(waiting.map(({ candidate: { hotkey }, since }) => [hotkey, since])).toEqual([['a', 90], ['e', 90]]);
  });

  it('gives the places of the best to those who wait where nobody was paid', () => {
    expect(drawnOf(five, [], { top: 2, fresh: 1 })).toEqual(['a', 'b', 'c']);
  });

  it('knows who has registered anew as somebody else, who waits since then', () => {
    const past: Past[] = [{ hotkey: 'a', registeredAt: 0, weight: 1, waitingSince: 5 }];
    const again = candidate('a', 10, { registeredAt: 14 });
    expect(drawnOf([again, ...five.slice(1)], past, { top: 1, fresh: 2 })).toEqual(['b', 'c', 'd']);
  });

  it('lets a miner keep its place while it commits again and again', () => {
    const past: Past[] = [{ hotkey: 'a', registeredAt: 0, weight: 0, waitingSince: 1 }];
    expect(drawnOf([candidate('a', 80), ...five.slice(1)], past, { top: 0, fresh: 1 })).toEqual(['a']);
  });

  it.each(['0', '1', '2', '3'])('draws everybody within ceil(n / fresh) rounds, whoever is paid and whoever joins (seed %s)', (seed) => {
    const random = new Random(seed);
    const pool = { top: random.int(5), fresh: 1 + random.int(5) };
    const join = (block: number): Candidate => candidate(`${random.next()}`, block, { registeredAt: block - random.int(3), commitIndex: random.int(4) });
    const all = Array.from({ length: 5 + random.int(30) }, () => join(3));
    let past: Past[] = [];
    const patience = new Map<string, number>();
    for (let snapshot = 10; snapshot < 250; snapshot += 10) {
      for (let i = random.int(4); i > 0; i--) all.push(join(snapshot - 1 - random.int(5)));
      // whoever joined later is behind
      for (const { hotkey } of all) if (!patience.has(hotkey)) patience.set(hotkey, Math.ceil(all.length / pool.fresh));
      const { drawn, waiting } = drawPool(random.shuffle(all), past, pool);
      expect(drawn.length).toBe(Math.min(all.length, pool.top + pool.fresh));
      expect(new Set([...names(drawn), ...waiting.map((one) => one.candidate.hotkey)]).size).toBe(all.length);
      for (const { candidate: { hotkey } } of waiting) {
        patience.set(hotkey, patience.get(hotkey)! - 1);
        expect(patience.get(hotkey), `${hotkey} at ${snapshot}`).toBeGreaterThan(0);
      }
      for (const { hotkey } of drawn) patience.set(hotkey, Math.ceil(all.length / pool.fresh));
      past = [...drawn.map((one) => ({ ...one, weight: random.chance(0.5) ? random.float() : 0, waitingSince: snapshot })), ...waiting.map(({ candidate: one, since }) => ({ ...one, weight: 0, waitingSince: since }))];
    }
  });

  it('draws the same whatever the order of candidates and past', () => {
    const random = new Random('order');
    const many = Array.from({ length: 50 }, (_, i) => candidate(`${i}`, random.int(5), { commitIndex: random.int(3) }));
    const past = many.slice(20).map(({ hotkey }, i): Past => ({ hotkey, registeredAt: 0, weight: (i % 4) / 10, waitingSince: i % 3 === 0 ? null : 5 + (i % 7) }));
    const first = drawPool(many, past, { top: 5, fresh: 10 });
    for (let i = 0; i < 5; i++) expect(drawPool(random.shuffle(many), random.shuffle(past), { top: 5, fresh: 10 })).toEqual(first);
  });
});
