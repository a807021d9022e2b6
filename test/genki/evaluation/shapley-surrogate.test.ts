import { describe, expect, it } from 'vitest';
import { coalitions, shapley } from '../../../genki/evaluation/shapley.ts';
import { estimatesOf, kernelOf, type Walk } from '../../../genki/evaluation/shapley-surrogate.ts';
import { Random } from '../../../genki/protocol/random.ts';

describe('kernelOf', () => {
  it.each([1, 2, 5, 7])('knows the Shapley value of each of %i players in the game that it makes of a coalition', (n) => {
    const { byAgreement, shares } = kernelOf(n);
    const all = coalitions(n);
    for (const T of all) {
      const game = all.map((S) => byAgreement[Array.from({ length: n }, (_, i) => S.includes(i) === T.includes(i)).filter(Boolean).length]!);
      shapley(game, n).forEach((phi, i) => expect(phi).toBeCloseTo(T.includes(i) ? shares[T.length]!.inside : shares[T.length]!.outside, 10));
    }
  });

  it('turns its sign with the complement', () => {
    const { byAgreement } = kernelOf(9);
    byAgreement.forEach((k, h) => expect(k).toBeCloseTo(-byAgreement[9 - h]!, 12));
  });
});

describe('estimatesOf', () => {
  const walksOf = (v: (members: readonly number[]) => number, n: number, count: number): Walk[] => {
    const random = new Random(`walks ${n}`);
    const everyone = Array.from({ length: n }, (_, i) => i);
    return Array.from({ length: count }, () => {
      const order = random.shuffle(everyone);
      return { order, odd: Array.from({ length: n + 1 }, (_, j) => (v(order.slice(0, j)) - v(order.slice(j))) / 2) };
    });
  };
  const weights = [0.1, 0.4, 0.2, 0.8, 0.3, 0.6];
  const sum = (members: readonly number[]): number => members.reduce((total, i) => total + weights[i]!, 0);

  it('finds what each adds of itself and with one other in every walk, and next to it what three make of each other', () => {
    // of (Σ w)² the pairs share 2 w_i w_j, of (Σ w)³ also the triples 6 w_i w_j w_k
    const others = (i: number): number[] => weights.filter((_, j) => j !== i);
    const squares = (list: readonly number[]): number => list.reduce((total, w) => total + w * w, 0);
    const plain = (list: readonly number[]): number => list.reduce((total, w) => total + w, 0);
    const quadratic = weights.map((w, i) => w * w + w * plain(others(i)));
    for (const phi of estimatesOf(walksOf((members) => sum(members) ** 2, 6, 4))) phi.forEach((value, i) => expect(value).toBeCloseTo(quadratic[i]!, 3));

    const cubic = weights.map((w, i) => w ** 3 + (3 / 2) * (w * w * plain(others(i)) + w * squares(others(i))) + w * (plain(others(i)) ** 2 - squares(others(i))));
    const walks = walksOf((members) => sum(members) ** 3, 6, 24);
    const spreadOf = (estimates: readonly number[][]): number => estimates.reduce((total, phi) => total + squares(phi.map((value, i) => value - cubic[i]!)), 0) / estimates.length;
    const marginals = walks.map(({ order, odd }) => weights.map((_, i) => odd[order.indexOf(i) + 1]! - odd[order.indexOf(i)]!));
    expect(spreadOf(estimatesOf(walks))).toBeLessThan(spreadOf(marginals) / 50);
  });

  it('adds up to the whole gain in each walk, also beyond those that are fitted', () => {
    const random = new Random('any game');
    const game = new Map<string, number>();
    const v = (members: readonly number[]): number => {
      const key = [...members].sort((a, b) => a - b).join();
      return game.get(key) ?? game.set(key, random.normal()).get(key)!;
    };
    const walks = walksOf(v, 9, 70);
    const total = v([0, 1, 2, 3, 4, 5, 6, 7, 8]) - v([]);
    for (const phi of estimatesOf(walks)) expect(phi.reduce((all, value) => all + value, 0)).toBeCloseTo(total, 11);
  });

  it('corrects a walk by what the others tell alone', () => {
    const random = new Random('others');
    const walks = walksOf((members) => sum(members) ** 3, 6, 8);
    const before = estimatesOf(walks);
    walks.forEach(({ order, odd }, at) => {
      const changes = odd.map((_, j) => (j === 0 || j === 6 ? 0 : random.normal()));
      const after = estimatesOf(walks.with(at, { order, odd: odd.map((value, j) => value + changes[j]!) }));
      order.forEach((player, j) => expect(after[at]![player]! - before[at]![player]!).toBeCloseTo(changes[j + 1]! - changes[j]!, 6));
    });
  });

  it('has nothing to say without a walk', () => {
    expect(estimatesOf([])).toEqual([]);
  });
});
