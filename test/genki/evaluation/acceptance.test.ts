import { describe, expect, it } from 'vitest';
import { accept, type Acceptance } from '../../../genki/evaluation/acceptance.ts';
import type { Evaluate } from '../../../genki/evaluation/scale-search.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { game, holdOut, honest, learned, type Player } from './game.ts';

const thresholds = { acceptZ: 2, minimumShare: 0.02, styleShare: 1 / 6, guardNats: 0.1 };
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
  const result = await accept({ candidates: players.map((_, i) => i), evaluate: game(players, seed), holdOut: holdOut(), scales, thresholds, ...options });
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

  it('keeps as many as Shapley can share among, the earliest', async () => {
    const many = Array.from({ length: 12 }, (_, i) => `style ${i}`);
    const part = { styles: many.flatMap((style) => [style, style, style]), floors: Object.fromEntries(many.map((style) => [style, 0])), guards: [] };
    const evaluate: Evaluate = (members, scale) => Promise.resolve(part.styles.map((style, i) => (members.includes(many.indexOf(style)) ? 2 - scale : 2) + (i % 3) / 10));
    const { accepted, verdicts } = await accept({ candidates: many.map((_, i) => i), evaluate, holdOut: part, scales, thresholds });
    expect(accepted).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(verdicts[11]).toEqual({ index: 11, accepted: false, marginal: null, reason: 'not tried: 10 earlier ones are accepted already' });
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
      evaluate: (members, scale) => (asked.push(`${members.join()}@${scale}`), evaluate(members, scale)),
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
      const broken: typeof evaluate = async (members, scale) => (members.includes(1) ? holdOut().styles.map(() => value) : evaluate(members, scale));
      const { accepted, verdicts } = await accept({ candidates: [0, 1, 2, 3, 4], evaluate: broken, holdOut: holdOut(), scales, thresholds });
      expect(accepted).toEqual([0, 2, 3, 4]);
      expect(verdicts[1]).toEqual({ index: 1, accepted: false, marginal: null, reason: 'breaks the model: its loss is not a number' });
    }
  });

  it('names what is wrong with its input', async () => {
    const evaluate = game(honests, 'input');
    const part = holdOut();
    await expect(accept({ candidates: [1, 0], evaluate, holdOut: part, scales, thresholds })).rejects.toThrow('Expected candidates in commit order, got 1, 0');
    await expect(accept({ candidates: [0], evaluate, holdOut: part, scales: [], thresholds })).rejects.toThrow('Expected positive scales in ascending order, got none');
    await expect(accept({ candidates: [0], evaluate, holdOut: { ...part, styles: [] }, scales, thresholds })).rejects.toThrow('got an empty one');
    await expect(accept({ candidates: [0], evaluate, holdOut: { ...part, guards: ['polka'] }, scales, thresholds })).rejects.toThrow('Expected at least 2 held-out clips of style polka, got 0');
  });
});
