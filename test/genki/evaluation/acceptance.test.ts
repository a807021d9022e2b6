import { describe, expect, it } from 'vitest';
import { accept, type Acceptance } from '../../../genki/evaluation/acceptance.ts';
import type { Evaluate } from '../../../genki/evaluation/scale-search.ts';
import { MAX_ACCEPTED } from '../../../genki/evaluation/selection.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { game, holdOut, honest, learned, unlike, type Player } from './game.ts';

const thresholds = { acceptZ: 2, minimumShare: 0.02, styleShare: 1 / 6, guardNats: 0.1, normFloor: 0.5, normCap: 20 };
const scales = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1];
const honests = Object.keys(learned).map(honest);
const swing = honests[2]!;
const junk: Player = { name: 'junk', moves: {}, waste: 0.25 };
const zero: Player = { name: 'zero', moves: {} };
const flipped: Player = { name: 'flipped', moves: Object.fromEntries(Object.entries(swing.moves).map(([style, move]) => [style, -move])), waste: 0.25 };
const shuffled: Player = { name: 'shuffled', moves: { swing: 0.35 }, waste: 0.5 };
const mislabelled: Player = { name: 'mislabelled', moves: { swing: 0.3, march: -0.1 }, waste: 0.4 };
const lazy: Player = { name: 'lazy', moves: Object.fromEntries(Object.keys(learned).map((style) => [style, 0.02])), waste: 0.25 };
const useless = [junk, zero, flipped, lazy];
const imitators = [shuffled, mislabelled];

async function round(players: readonly Player[], seed: string, options: { lastScale?: number } = {}): Promise<Acceptance & { names: string[] }> {
  const result = await accept({ candidates: players.map((_, i) => i), gram: unlike(players.length), evaluate: game(players, seed), holdOut: holdOut(), scales, thresholds, ...options });
  return { ...result, names: result.accepted.map((i) => players[i]!.name).sort() };
}
const everyHonest = honests.map(({ name }) => name).sort();

describe('accept', () => {
  it('takes every honest miner and nothing else, in any order, over 300 seeds', async () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(`order ${seed}`);
      const players = random.shuffle([...honests, random.pick(useless), random.pick(imitators)]);
      const { names, evaluations } = await round(players, `clips ${seed}`);
      expect({ seed, names }).toEqual({ seed, names: everyHonest });
      expect(evaluations).toBeLessThanOrEqual(40);
    }
  });

  it('takes nobody when nobody is honest', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { accepted, gain, verdicts } = await round([junk, zero, flipped], `${seed}`);
      expect(accepted).toEqual([]);
      expect(gain).toBe(0);
      expect(verdicts.map(({ accepted: is }) => is)).toEqual([false, false, false]);
    }
  });

  it('drops what imitates a style once the style itself is there', async () => {
    expect((await round([shuffled], 'alone')).names).toEqual(['shuffled']);
    expect((await round([shuffled, ...honests], 'with')).names).toEqual(everyHonest);
  });

  it('keeps every specialist where all also learn what they have in common', async () => {
    const alike = honests.map(({ name, moves }) => ({ name, moves: Object.fromEntries(Object.keys(moves).map((style) => [style, style === name ? 1 : 0.2])), waste: 0.25 }));
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(`alike ${seed}`);
      expect((await round(random.shuffle([...alike, junk, lazy]), `${seed}`)).names).toEqual(everyHonest);
    }
  });

  it('does not let a late near-twin push out the earlier one', async () => {
    const twin: Player = { name: 'twin', moves: Object.fromEntries(Object.entries(swing.moves).map(([style, move]) => [style, 1.02 * move])), waste: 0.2 };
    for (let seed = 0; seed < 20; seed++) {
      expect((await round([...honests, twin], `${seed}`)).names).toEqual(everyHonest);
      expect((await round([twin, ...honests], `${seed}`)).names).toEqual([...everyHonest.filter((name) => name !== 'swing'), 'twin'].sort());
    }
  });

  it('takes a lone miner', async () => {
    const { names, verdicts } = await round([swing], 'lone');
    expect(names).toEqual(['swing']);
    expect(verdicts[0]!.reason).toMatch(/^adds \+\d+\.\d ± \d\.\d % of what can be learned, most of swing: \+\d+\.\d ± \d\.\d %$/);
  });

  it('keeps 32, the earliest, and of 256 measures little more than two merges each', async () => {
    const many = Array.from({ length: 40 }, (_, i) => `style ${i}`);
    const part = { styles: many.flatMap((style) => [style, style, style]), floors: Object.fromEntries(many.map((style) => [style, 0])), guards: [] };
    const useful = (index: number): boolean => index % 6 === 0 && index < 240;
    const evaluate: Evaluate = (terms) => {
      const learns = new Map(terms.filter(({ index }) => useful(index)).map(({ index, weight }) => [index / 6, weight]));
      const waste = terms.reduce((sum, { index, weight }) => sum + (useful(index) ? 0 : 0.01 * weight), 0);
      return Promise.resolve(part.styles.map((_, i) => 2 - (learns.get(Math.floor(i / 3)) ?? 0) + waste + (i % 3) / 10));
    };
    const { accepted, verdicts, evaluations } = await accept({ candidates: Array.from({ length: 256 }, (_, i) => i), gram: unlike(256), evaluate, holdOut: part, scales, thresholds });
    expect(accepted).toEqual(Array.from({ length: MAX_ACCEPTED }, (_, i) => 6 * i));
    expect(verdicts[240]).toEqual({ index: 240, accepted: false, margin: null, marginal: null, reason: 'not tried: 32 earlier ones are accepted already' });
    expect(evaluations).toBeLessThanOrEqual(2 * 187 + 32 + 4);
  });

  it('judges of a large set only the nearest again when one is dropped', async () => {
    // 4 imitators come before whom they imitate, and overshoot once those are there
    const many = Array.from({ length: 20 }, (_, i) => `style ${i}`);
    const part = { styles: many.flatMap((style) => [style, style]), floors: Object.fromEntries(many.map((style) => [style, 1])), guards: [] };
    const evaluate: Evaluate = (terms) => {
      const weight = (index: number): number => terms.find((term) => term.index === index)?.weight ?? 0;
      return Promise.resolve(part.styles.map((_, i) => {
        const style = Math.floor(i / 2);
        const along = weight(4 + style) + (style < 4 ? 0.3 * weight(style) : 0);
        return 1 + 2 * (1 - along / 0.8) ** 2 + 0.01 * (i % 2);
      }));
    };
    const { accepted, evaluations } = await accept({ candidates: Array.from({ length: 24 }, (_, i) => i), gram: unlike(24), evaluate, holdOut: part, scales, thresholds });
    expect(accepted).toEqual(many.map((_, i) => 4 + i));
    // forward, backward over all of them once, and for each that is dropped ten others, their best scale without it, and the rest's
    expect(evaluations).toBeLessThanOrEqual(1 + 24 + 24 + 4 * (10 + 4 + 2));
  });

  it('counts what a late twin has of its victim for the victim, and keeps both where the twin brings more', async () => {
    const victim: Player = { name: 'victim', moves: { swing: 1 }, waste: 0.25 };
    const twin: Player = { name: 'twin', moves: { swing: 0.95, march: 1 }, waste: 0.2 };
    const gram = [[1], [0.8, 1]];
    const { accepted, residuals, overlaps } = await accept({ candidates: [0, 1], gram, evaluate: game([victim, twin], 'twins'), holdOut: holdOut(), scales, thresholds });
    expect(accepted).toEqual([0, 1]);
    expect(residuals).toEqual([[], [{ index: 0, coefficient: expect.closeTo(0.8, 12) }]]);
    expect(overlaps).toEqual([0, expect.closeTo(0.8, 12)]);
  });

  it('brings all to the median of who is accepted, also where that is nearly the one of all', async () => {
    const norms = [1.04, 1, 1.02, 1.08, 1.06, 1, 1];
    const gram = norms.map((norm, i) => norms.slice(0, i + 1).map((_, j) => (i === j ? norm ** 2 : 0)));
    const { accepted, factors } = await accept({ candidates: norms.map((_, i) => i), gram, evaluate: game([...honests, junk, zero], 'median'), holdOut: holdOut(), scales, thresholds });
    expect(accepted).toEqual([0, 1, 2, 3, 4]);
    expect(factors.slice(0, 5)).toEqual([1.04, 1, 1.02, 1.08, 1.06].map((norm) => 1.04 / norm).map((factor) => expect.closeTo(factor, 12)));
  });

  it('finds the same set and scale from any last scale', async () => {
    const found = await Promise.all([0.2, 0.5, 1].map((lastScale) => round(honests, 'scale', { lastScale })));
    for (const { names, scale } of found) expect({ names, scale }).toEqual({ names: everyHonest, scale: found[0]!.scale });
  });

  it('refuses what makes the Dama forget, and says what it would forget', async () => {
    const forgetful: Player = { name: 'forgetful', moves: { swing: 1 }, waste: 4 };
    const { accepted, verdicts } = await round([forgetful], 'guard');
    expect(accepted).toEqual([]);
    expect(verdicts[0]!.reason).toMatch(/^makes the Dama forget (town|battle|waltz): its loss rises by \d\.\d{3} nats a code$/);
  });

  it('says why in words', async () => {
    const { verdicts } = await round([...honests, zero, flipped], 'words');
    expect(verdicts[0]!.reason).toMatch(/^adds \+\d+\.\d ± \d\.\d % of what can be learned on top of the accepted, most of dungeon: \+\d+\.\d ± \d\.\d %$/);
    expect(verdicts[5]!.reason).toBe('adds nothing on top of the accepted: +0.0 ± 0.0 % of what can be learned');
    expect(verdicts[6]!.reason).toMatch(/^makes the accepted worse: −\d+\.\d ± \d\.\d % of what can be learned$/);
  });

  it('counts every evaluation, makes none twice and tells its progress', async () => {
    const asked: string[] = [];
    const told: number[] = [];
    const evaluate = game(honests, 'count');
    const { evaluations } = await accept({
      candidates: honests.map((_, i) => i),
      gram: unlike(honests.length),
      evaluate: (terms) => (asked.push(JSON.stringify(terms)), evaluate(terms)),
      holdOut: holdOut(),
      scales,
      thresholds,
      onProgress: (n) => told.push(n),
    });
    expect(new Set(asked).size).toBe(asked.length);
    expect(evaluations).toBe(asked.length);
    expect(told).toEqual(asked.map((_, i) => i + 1));
  });

  it('gives the same answer twice', async () => {
    expect(await round([...honests, junk], 'again')).toEqual(await round([...honests, junk], 'again'));
  });

  it('refuses a model whose loss is no number', async () => {
    const evaluate = game(honests, 'nan');
    for (const value of [NaN, Infinity, JSON.parse('null') as number]) {
      const broken: typeof evaluate = async (terms) => (terms.some(({ index }) => index === 1) ? holdOut().styles.map(() => value) : evaluate(terms));
      const { accepted, verdicts } = await accept({ candidates: [0, 1, 2, 3, 4], gram: unlike(5), evaluate: broken, holdOut: holdOut(), scales, thresholds });
      expect(accepted).toEqual([0, 2, 3, 4]);
      expect(verdicts[1]).toEqual({ index: 1, accepted: false, margin: null, marginal: null, reason: 'breaks the model: its loss is not a number' });
    }
  });

  it('names what is wrong with its input', async () => {
    const evaluate = game(honests, 'input');
    const part = holdOut();
    const gram = unlike(2);
    await expect(accept({ candidates: [1, 0], gram, evaluate, holdOut: part, scales, thresholds })).rejects.toThrow('Expected candidates in commit order, got 1, 0');
    await expect(accept({ candidates: [0], gram, evaluate, holdOut: part, scales: [], thresholds })).rejects.toThrow('Expected positive scales in ascending order, got none');
    await expect(accept({ candidates: [0], gram, evaluate, holdOut: { ...part, styles: [] }, scales, thresholds })).rejects.toThrow('got an empty one');
    await expect(accept({ candidates: [0], gram, evaluate, holdOut: { ...part, guards: ['polka'] }, scales, thresholds })).rejects.toThrow('Expected at least 2 held-out clips of style polka, got 0');
  });
});
