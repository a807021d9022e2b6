import { describe, expect, it } from 'vitest';
import { balancedOrders } from '../../../genki/evaluation/shapley-orders.ts';

const firstOf = (players: number, seed: string, count: number): number[][] => {
  const orders = balancedOrders(players, seed);
  return Array.from({ length: count }, () => orders.next().value);
};

describe('balancedOrders', () => {
  it.each([2, 3, 7, 12, 33, 64])('brings each of %i players to each position equally often, both directions counted', (players) => {
    const square = players % 2 === 0 ? players / 2 : players;
    const both = firstOf(players, 'balance', square).flatMap((order) => [order, order.toReversed()]);
    for (let at = 0; at < players; at++) {
      const counts = Array.from({ length: players }, (_, player) => both.filter((order) => order[at] === player).length);
      expect(counts).toEqual(counts.map(() => both.length / players));
    }
  });

  it('draws each order equally often', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 2400; seed++) for (const order of firstOf(4, `fair ${seed}`, 1)) counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
    // 24 orders, 100 draws each: 4 standard deviations of a count are 39
    expect([...counts.values()].map((count) => Math.abs(count - 100)).filter((off) => off > 39)).toEqual([]);
    expect(counts.size).toBe(24);
  });

  it('draws the same ones from the same seed only', () => {
    expect(firstOf(11, 'a', 30)).toEqual(firstOf(11, 'a', 30));
    expect(firstOf(11, 'a', 30)).not.toEqual(firstOf(11, 'b', 30));
  });
});
