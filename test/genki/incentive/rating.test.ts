import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ordinalOf, rateEpoch, type Rating } from '../../../genki/incentive/rating.ts';
import { Random } from '../../../genki/protocol/random.ts';

type Golden = { readonly games: readonly { readonly in: [[number, number]][]; readonly ranks: number[]; readonly out: [[number, number]][] }[] };
const golden = JSON.parse(readFileSync(new URL('../../goldens/openskill-pl.json', import.meta.url), 'utf8')) as Golden;

const rated = (hotkey: string, mu: number, sigma: number, epoch = 1): Rating => ({ competition: 'ruby', hotkey, registeredAt: 7, mu, sigma, epoch });
const miner = (hotkey: string, value: number, registeredAt = 7) => ({ competition: 'ruby', hotkey, registeredAt, value });

describe('rateEpoch', () => {
  it.each(golden.games.map((game) => [game.ranks.join(' '), game] as const))('agrees with the reference on the ranking %s', (_, game) => {
    const before = game.in.map(([[mu, sigma]], i) => rated(`m${i}`, mu, sigma));
    const after = rateEpoch(before, game.ranks.map((rank, i) => miner(`m${i}`, 1 / rank)), 2, 5);
    game.out.forEach(([[mu, sigma]], i) => {
      expect(after[i]!.mu).toBeCloseTo(mu, 12);
      expect(after[i]!.sigma).toBeCloseTo(sigma, 12);
    });
  });

  it('starts a newcomer at an ordinal of 0, and raises who wins above it', () => {
    const [winner, loser] = rateEpoch([], [miner('a', 0.6), miner('b', 0.4)], 1, 5);
    expect(ordinalOf(rated('', 25, 25 / 3))).toBe(0);
    expect(ordinalOf(winner!)).toBeGreaterThan(3);
    expect(ordinalOf(loser!)).toBeLessThan(0);
  });

  it('ranks what is not above 0, or no number, as equal and last', () => {
    const after = rateEpoch([], [miner('a', 1), miner('b', 0), miner('c', -1), miner('d', NaN)], 1, 5);
    expect(after.slice(2).map(({ mu, sigma }) => [mu, sigma])).toEqual([[after[1]!.mu, after[1]!.sigma], [after[1]!.mu, after[1]!.sigma]]);
    expect(after[0]!.mu).toBeGreaterThan(25);
  });

  it('plays no game of one, and none in which nobody earned anything', () => {
    const before = [rated('a', 30, 4), rated('b', 20, 5)];
    expect(rateEpoch(before, [miner('a', 1)], 2, 5)).toEqual([rated('a', 30, 4, 2), rated('b', 20, 5)]);
    expect(rateEpoch(before, [miner('a', 0), miner('b', -1)], 2, 5)).toEqual([rated('a', 30, 4, 2), rated('b', 20, 5, 2)]);
  });

  it('starts anew who registers anew, and who comes back after its rating expired', () => {
    expect(rateEpoch([rated('a', 40, 2)], [miner('a', 1, 99)], 2, 5)[0]).toMatchObject({ registeredAt: 99, mu: 25 });
    expect(rateEpoch([rated('a', 40, 2)], [miner('a', 1)], 6, 5)[0]).toMatchObject({ mu: 40 });
    expect(rateEpoch([rated('a', 40, 2)], [miner('a', 1)], 7, 5)[0]).toMatchObject({ mu: 25 });
  });

  it('does not depend on the order of the miners, and stays finite', () => {
    const random = new Random('games');
    let ratings: Rating[] = [];
    for (let epoch = 1; epoch <= 200; epoch++) {
      const played = Array.from({ length: 8 }, (_, i) => miner(`m${i}`, random.int(4) * (i + 1)));
      const inOrder = rateEpoch(ratings, played, epoch, 5);
      const shuffled = new Map(rateEpoch(ratings, random.shuffle(played), epoch, 5).map((one) => [one.hotkey, one]));
      inOrder.forEach(({ hotkey, mu, sigma }) => {
        expect(mu).toBeCloseTo(shuffled.get(hotkey)!.mu, 9);
        expect(sigma).toBeCloseTo(shuffled.get(hotkey)!.sigma, 9);
        expect(sigma > 0 && Number.isFinite(mu)).toBe(true);
      });
      ratings = inOrder;
    }
    expect(ordinalOf(ratings[7]!)).toBeGreaterThan(ordinalOf(ratings[0]!) + 5);
  });

  it('counts an epoch once', () => {
    expect(() => rateEpoch([rated('a', 25, 8, 2)], [miner('a', 1)], 2, 5)).toThrow('Expected scores from before epoch 2, got one from epoch 2');
    expect(() => rateEpoch([], [miner('a', 1), miner('a', 1, 8)], 2, 5)).toThrow('Expected one measurement of a, got two');
  });
});
