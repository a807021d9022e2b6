import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { coalitions, shapley, shapleyOfAll } from '../../../genki/evaluation/shapley.ts';
import { Random } from '../../../genki/protocol/random.ts';

const randomValues = (n: number, seed: string): number[] => {
  const random = new Random(seed);
  return Array.from({ length: 2 ** n }, () => random.normal());
};
const players = [1, 2, 5, 10];

describe('shapley', () => {
  it('splits the glove game 4 : 1 : 1', () => {
    // player 0 owns the left glove, 1 and 2 a right one each; a pair is worth 1
    expect(shapley([0, 0, 0, 1, 0, 1, 0, 1], 3)).toEqual([4 / 6, 1 / 6, 1 / 6].map((phi) => expect.closeTo(phi, 12)));
  });

  it('agrees with the reference on every player', () => {
    const golden = JSON.parse(readFileSync(new URL('../../goldens/shapley.json', import.meta.url), 'utf8')) as { n: number; v_by_mask: number[]; shapley: number[] };
    const phi = shapley(golden.v_by_mask, golden.n);
    golden.shapley.forEach((value, i) => expect(phi[i]).toBeCloseTo(value, 12));
  });

  it.each(players)('shares out exactly v(all) - v(none) among %i players', (n) => {
    const values = randomValues(n, `total ${n}`);
    const total = shapley(values, n).reduce((sum, phi) => sum + phi, 0);
    expect(total).toBeCloseTo(values.at(-1)! - values[0]!, 10);
  });

  it.each(players)('gives nothing to one of %i that adds nothing', (n) => {
    const values = randomValues(n, `null ${n}`);
    const idle = n - 1;
    const game = values.map((_, S) => values[S & ~(1 << idle)]!);
    expect(shapley(game, n)[idle]).toBeCloseTo(0, 12);
  });

  it('pays two alike the same, which is why copies have to go first', () => {
    const values = randomValues(4, 'alike');
    // worth depends on players 2 and 3 and on how many of 0 and 1 are there
    const game = values.map((_, S) => values[(S & 12) | [0, 1, 1, 3][S & 3]!]!);
    const phi = shapley(game, 4);
    expect(phi[0]).toBeCloseTo(phi[1]!, 12);
  });

  it('is linear in the game', () => {
    const [u, v] = [randomValues(5, 'u'), randomValues(5, 'v')];
    const sum = shapley(u.map((x, i) => 2 * x + v[i]!), 5);
    const [phi, psi] = [shapley(u, 5), shapley(v, 5)];
    sum.forEach((value, i) => expect(value).toBeCloseTo(2 * phi[i]! + psi[i]!, 10));
  });

  it('names what it wanted', () => {
    expect(() => shapley([0, 1, 1], 2)).toThrow('Expected 4 coalition values, got 3');
    expect(() => shapley([0], 0)).toThrow('Expected 1 to 10 players, got 0');
    expect(() => shapley([], 11)).toThrow('Expected 1 to 10 players, got 11');
    expect(() => shapley([0, NaN], 1)).toThrow('Expected finite coalition values, got NaN for coalition 1');
  });
});

describe('shapleyOfAll', () => {
  it('pays each of 13 what it adds where it adds that to anybody', () => {
    // v(S) = sum of squares of its members' numbers, and 1 more once 0 and 12 are both there
    const values = Float64Array.from(coalitions(13), (members) => members.reduce((sum, i) => sum + i * i, 0) + (members.includes(0) && members.includes(12) ? 1 : 0));
    shapleyOfAll(values, 13).forEach((phi, i) => expect(phi).toBeCloseTo(i * i + (i % 12 === 0 ? 0.5 : 0), 9));
  });

  it('names what it wanted', () => {
    expect(() => shapleyOfAll([], 25)).toThrow('Expected 1 to 24 players, got 25');
    expect(() => shapleyOfAll([0, 1, 1], 2)).toThrow('Expected 4 coalition values, got 3');
  });
});

describe('coalitions', () => {
  it('lists the members of each bit mask', () => {
    expect(coalitions(3)).toEqual([[], [0], [1], [0, 1], [2], [0, 2], [1, 2], [0, 1, 2]]);
    expect(coalitions(0)).toEqual([[]]);
  });
});
