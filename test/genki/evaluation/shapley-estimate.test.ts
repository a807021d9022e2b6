import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { coalitions, shapley, shapleyOfAll } from '../../../genki/evaluation/shapley.ts';
import { estimateShapley, replayShapley, type EstimateOptions, type ShapleyEstimate, type Valued } from '../../../genki/evaluation/shapley-estimate.ts';
import { Random } from '../../../genki/protocol/random.ts';

type Game = (members: readonly number[]) => number;

const maskOf = (members: readonly number[]): number => members.reduce((mask, i) => mask + 2 ** i, 0);
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Each learns styles, each style saturates, and what is of no use is punished by its square. */
function styles(players: number, seed: string): Game {
  const random = new Random(seed);
  const moves = Array.from({ length: players }, () => [0, 1, 2].map(() => random.float() ** 3));
  const waste = moves.map(() => random.normal());
  return (members) => [0, 1, 2].reduce((sum, g) => sum + 1 - Math.exp(-members.reduce((along, i) => along + moves[i]![g]!, 0)), 0) / 3 - 0.01 * members.reduce((length, i) => length + waste[i]!, 0) ** 2;
}

/** Without structure. */
function anything(players: number, seed: string): Game {
  const random = new Random(seed);
  const values = Array.from({ length: 2 ** players }, () => random.normal());
  return (members) => values[maskOf(members)]!;
}

const exactOf = (game: Game, players: number): number[] => shapleyOfAll(coalitions(players).map(game), players);

async function estimate(game: Game, options: Partial<EstimateOptions> & { players: number; isOver?: () => boolean }): Promise<ShapleyEstimate & { asked: Valued[] }> {
  const asked: Valued[] = [];
  const value = async (members: readonly number[]): Promise<number> => {
    asked.push({ members, value: game(members) });
    return game(members);
  };
  return { ...(await estimateShapley({ seed: 'seed', tolerance: 0, maxEvaluations: 100, ...options, value })), asked };
}

describe('estimateShapley', () => {
  it('is exact where it may measure all coalitions', async () => {
    const golden = JSON.parse(readFileSync(new URL('../../goldens/shapley.json', import.meta.url), 'utf8')) as { n: number; v_by_mask: number[]; shapley: number[] };
    const { values, standardErrors, evaluations, permutations, stoppedBy, asked } = await estimate((members) => golden.v_by_mask[maskOf(members)]!, { players: 5, maxEvaluations: 32, tolerance: 1 });
    golden.shapley.forEach((phi, i) => expect(values[i]).toBeCloseTo(phi, 12));
    expect({ standardErrors, evaluations, permutations, stoppedBy }).toEqual({ standardErrors: [0, 0, 0, 0, 0], evaluations: 32, permutations: 0, stoppedBy: 'exact' });
    expect(new Set(asked.map(({ members }) => members.join())).size).toBe(32);
  });

  it.each([1, 2, 3, 4, 5])('is exact for all games of %i players', async (players) => {
    for (let seed = 0; seed < 50; seed++) {
      const game = anything(players, `exact ${seed}`);
      const { values, stoppedBy } = await estimate(game, { players, maxEvaluations: 2 ** players, seed: `${seed}` });
      expect(stoppedBy).toBe('exact');
      expect(values).toEqual(shapley(coalitions(players).map(game), players));
    }
  });

  it('is exact for up to 10 players, however much it may be wrong', async () => {
    const game = styles(10, 'ten');
    const { values, stoppedBy } = await estimate(game, { players: 10, maxEvaluations: 1024, tolerance: 1, truncation: 0.5 });
    expect(stoppedBy).toBe('exact');
    expect(values).toEqual(exactOf(game, 10));
  });

  it('finishes with all coalitions where it has measured half of them anyway', async () => {
    const game = anything(11, 'half');
    const { values, stoppedBy, evaluations } = await estimate(game, { players: 11, maxEvaluations: 2048 });
    expect({ stoppedBy, evaluations }).toEqual({ stoppedBy: 'exact', evaluations: 2048 });
    expect(values).toEqual(exactOf(game, 11));
  });

  it.each([['without structure', anything], ['of styles', styles]])('is right on average in games %s, with errors as large as it says', async (_, make) => {
    const seeds = 150;
    const game = make(6, 'unbiased');
    const exact = exactOf(game, 6);
    const runs: ShapleyEstimate[] = [];
    for (let seed = 0; seed < seeds; seed++) runs.push(await estimate(game, { players: 6, maxEvaluations: 46, seed: `${seed}` }));
    const squares = (of: readonly number[]): number => of.reduce((sum, x) => sum + x * x, 0) / seeds;
    for (const player of exact.keys()) {
      const errors = runs.map(({ values }) => values[player]! - exact[player]!);
      const mean = total(errors) / seeds;
      expect(Math.abs(mean)).toBeLessThan((3.5 * Math.sqrt(squares(errors))) / Math.sqrt(seeds));
    }
    const ratio = total(exact.map((_phi, player) => squares(runs.map(({ values }) => values[player]! - exact[player]!)))) / total(exact.map((_phi, player) => squares(runs.map(({ standardErrors }) => standardErrors[player]!))));
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(1.5);
  });

  it('shares out exactly v(all) - v(none), for any number of players', async () => {
    for (const players of [6, 7, 11, 12, 20, 33, 64]) {
      const game = styles(players, `efficient ${players}`);
      const everyone = Array.from({ length: players }, (_, i) => i);
      const { values, permutations, stoppedBy } = await estimate(game, { players, maxEvaluations: 6 * players });
      expect(permutations).toBeGreaterThanOrEqual(4);
      expect(stoppedBy).toBe('budget');
      expect(total(values)).toBeCloseTo(game(everyone) - game([]), 13);
    }
  });

  it('gives exactly 0 to those who change nothing', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const game = styles(9, `null ${seed}`);
      const idle = [seed % 9, (seed + 4) % 9];
      const { values, standardErrors } = await estimate((members) => game(members.filter((i) => !idle.includes(i))), { players: 9, seed: `${seed}` });
      for (const i of values.keys()) expect([i, values[i] === 0, standardErrors[i] === 0]).toEqual([i, idle.includes(i), idle.includes(i)]);
    }
    expect((await estimate(() => 0.25, { players: 7 })).values).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect((await estimate((members) => (members.includes(4) ? 2 : 1), { players: 7 })).values).toEqual([0, 0, 0, 0, 1, 0, 0]);
  });

  it('pays two alike the same but for its error', async () => {
    for (let seed = 0; seed < 20; seed++) {
      // both move every style alike
      const game = styles(8, `alike ${seed}`);
      const others = (members: readonly number[]): number[] => members.filter((i) => i > 1);
      const { values, standardErrors } = await estimate((members) => game(others(members)) + 0.2 * Math.sqrt(members.length - others(members).length + 0.1 * others(members).length), { players: 8, seed: `${seed}` });
      expect(Math.abs(values[0]! - values[1]!)).toBeLessThanOrEqual(5 * Math.hypot(standardErrors[0]!, standardErrors[1]!) + 1e-12);
      expect(values[0]).toBeGreaterThan(0.01);
      expect(values[0]).not.toBe(values[1]);
    }
  });

  it('is linear in the game', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const [u, v] = [anything(7, `u ${seed}`), styles(7, `v ${seed}`)];
      const [sum, phi, psi] = await Promise.all([(members: readonly number[]) => 2 * u(members) - 3 * v(members), u, v].map((game) => estimate(game, { players: 7, maxEvaluations: 60 })));
      sum!.values.forEach((value, i) => expect(value).toBeCloseTo(2 * phi!.values[i]! - 3 * psi!.values[i]!, 9));
    }
  });

  it('measures nothing twice, and never more than it may', async () => {
    for (const maxEvaluations of [2, 3, 11, 12, 23, 24, 46, 77, 100, 200, 400]) {
      const { asked, evaluations, permutations, stoppedBy } = await estimate(styles(12, 'budget'), { players: 12, maxEvaluations });
      expect(new Set(asked.map(({ members }) => members.join())).size).toBe(asked.length);
      expect(asked.length).toBe(evaluations);
      expect(stoppedBy).toBe('budget');
      expect(evaluations).toBeLessThanOrEqual(maxEvaluations);
      // another pair of permutations would have needed at most 22 more
      expect(evaluations).toBeGreaterThan(maxEvaluations - 22);
      expect(permutations % 2).toBe(0);
      for (const { members } of asked) expect(members).toEqual([...members].sort((a, b) => a - b));
    }
  });

  it('says that it knows nothing while it has not two walks', async () => {
    const game = styles(12, 'nothing');
    const gain = game(Array.from({ length: 12 }, (_, i) => i));
    const none = await estimate(game, { players: 12, maxEvaluations: 20 });
    expect(none).toMatchObject({ values: Array.from({ length: 12 }, () => gain / 12), standardErrors: Array.from({ length: 12 }, () => gain), evaluations: 2, permutations: 0 });
    const one = await estimate(game, { players: 12, maxEvaluations: 24 });
    expect(one).toMatchObject({ standardErrors: none.standardErrors, evaluations: 24, permutations: 2 });
  });

  it('stops as soon as its largest error is small enough, the later the smaller', async () => {
    const game = styles(14, 'tolerance');
    const gain = game(Array.from({ length: 14 }, (_, i) => i));
    const exact = exactOf(game, 14);
    let before = 0;
    for (const tolerance of [0.02, 0.005, 0.002]) {
      const { values, standardErrors, evaluations, stoppedBy } = await estimate(game, { players: 14, tolerance, maxEvaluations: 4000 });
      expect(stoppedBy).toBe('tolerance');
      expect(Math.max(...standardErrors)).toBeLessThanOrEqual(tolerance * gain);
      expect(Math.max(...values.map((value, i) => Math.abs(value - exact[i]!)))).toBeLessThan(4 * tolerance * gain);
      expect(evaluations).toBeGreaterThan(before);
      before = evaluations;
    }
  });

  it('gives the same bits from the same seed, whatever the time that a value takes', async () => {
    const game = styles(13, 'bits');
    const random = new Random('when');
    const first = await estimate(game, { players: 13, maxEvaluations: 150 });
    const slow = await estimateShapley({ players: 13, seed: 'seed', tolerance: 0, maxEvaluations: 150, value: (members) => new Promise((resolve) => (random.chance(0.5) ? setImmediate(resolve, game(members)) : resolve(game(members)))) });
    expect({ ...slow, asked: first.asked }).toEqual(first);
    expect((await estimate(game, { players: 13, maxEvaluations: 150, seed: 'other' })).values).not.toEqual(first.values);
  });

  it('leaves the rest of an order unmeasured where next to nothing is missing, in equal parts', async () => {
    const game: Game = (members) => Math.min(1, 0.1 * members.length);
    const whole = await estimate(game, { players: 20, maxEvaluations: 400 });
    const cut = await estimate(game, { players: 20, maxEvaluations: 400, truncation: 0.001 });
    expect(cut.permutations).toBeGreaterThan(1.5 * whole.permutations);
    cut.values.forEach((value) => expect(value).toBeCloseTo(1 / 20, 2));
    expect(total(cut.values)).toBeCloseTo(1, 12);
    expect(Math.max(...cut.asked.slice(2).map(({ members }) => members.length))).toBe(10);
    const quarter = await estimate((members) => members.length / 20, { players: 20, maxEvaluations: 400, truncation: 0.25 });
    expect(Math.max(...quarter.asked.slice(2).map(({ members }) => members.length))).toBe(15);
    quarter.values.forEach((value) => expect(value).toBeCloseTo(1 / 20, 6));
  });

  it('ends where orders are cut off so soon that they cost nothing', async () => {
    const constant = await estimate(() => 3, { players: 12, truncation: 0.1 });
    expect(constant).toMatchObject({ values: Array.from({ length: 12 }, () => 0), evaluations: 2, permutations: 200, stoppedBy: 'budget' });
    const anybody = await estimate((members) => Math.min(1, members.length), { players: 12, truncation: 0.1 });
    expect(anybody).toMatchObject({ evaluations: 14, permutations: 200, stoppedBy: 'budget' });
    anybody.values.forEach((value) => expect(value).toBeCloseTo(1 / 12, 2));
  });

  it('names the option that is out of range, and the coalition whose value is none', async () => {
    const game = styles(3, 'range');
    await expect(estimate(game, { players: 0 })).rejects.toThrow('Expected 1 to 64 players, got 0');
    await expect(estimate(game, { players: 65 })).rejects.toThrow('Expected 1 to 64 players, got 65');
    await expect(estimate(game, { players: 3, maxEvaluations: 1 })).rejects.toThrow('Expected at least 2 evaluations, got 1');
    await expect(estimate(game, { players: 3, tolerance: NaN })).rejects.toThrow('Expected a tolerance of at least 0, got NaN');
    await expect(estimate(game, { players: 3, truncation: 1 })).rejects.toThrow('Expected a truncation of 0 to 1, got 1');
    await expect(estimate((members) => (members.length === 2 ? NaN : 0), { players: 3 })).rejects.toThrow(/Expected a finite coalition value, got NaN for \[\d, \d\]/);
  });
});

describe('replayShapley', () => {
  const players = 12;
  const game = styles(players, 'replay');
  const options = (more: Partial<EstimateOptions> = {}): EstimateOptions => ({ players, seed: 'seed', tolerance: 0, maxEvaluations: 120, ...more });

  it.each([['a budget', options()], ['a tolerance', options({ tolerance: 0.01, maxEvaluations: 1000 })], ['all values', options({ maxEvaluations: 4096 })], ['truncation', options({ truncation: 0.05 })]])('gives the same bits after %s, from JSON, in any order', async (_, chosen) => {
    const { asked, ...made } = await estimate(game, chosen);
    const kept = JSON.parse(JSON.stringify(asked.toReversed())) as Valued[];
    expect(replayShapley(kept, { ...chosen, stoppedBy: made.stoppedBy })).toEqual(made);
  });

  it('gives the same bits after a deadline, wherever it was', async () => {
    for (let last = 2; last < 100; last += 7) {
      let calls = 0;
      const { asked, ...made } = await estimate(game, { ...options(), isOver: () => ++calls > last - 2 });
      expect(made).toMatchObject({ stoppedBy: 'deadline', evaluations: last });
      expect(replayShapley(asked, { ...options(), stoppedBy: 'deadline' })).toEqual(made);
    }
  });

  it('says which value is missing, or is none', async () => {
    const { asked } = await estimate(game, options());
    const at = 40;
    const name = `[${asked[at]!.members.join(', ')}]`;
    expect(() => replayShapley(asked.toSpliced(at, 1), { ...options(), stoppedBy: 'budget' })).toThrow(expect.objectContaining({ name: 'InvalidInput', message: `Expected the value of the coalition ${name}, got none` }));
    expect(() => replayShapley(asked.with(at, { ...asked[at]!, value: Infinity }), { ...options(), stoppedBy: 'budget' })).toThrow(`Expected the value of the coalition ${name}, got Infinity`);
    expect(() => replayShapley([], { ...options(), stoppedBy: 'deadline' })).toThrow('Expected the value of the coalition [], got none');
  });
});
