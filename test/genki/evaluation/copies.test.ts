import { describe, expect, it } from 'vitest';
import { Random } from '../../../genki/protocol/random.ts';
import { evaluateRound, honestUpdate, idle, LENGTH, lengthOf, scaled, styles, sum, type Round, type Update } from './vector-game.ts';

const honest = styles.map((style) => honestUpdate(style));
const [dungeon, victory, swing] = honest as [Update, Update, Update];
const add = (name: string, ...vectors: readonly (readonly number[])[]): Update => ({ name, vector: sum(...vectors) });
const withoutAttack = (seed: string): Promise<Round> => evaluateRound(honest, seed);
/** What honest miners get of it, which no attack may change. */
const theirs = ({ shares, gain, scale }: Round): unknown => ({ gain, scale, shares: Object.fromEntries(styles.map((style) => [style, shares[style]])) });

describe('a round under attack', () => {
  it('is worth something to every honest miner when there is none', async () => {
    const { names, shares, gain, residuals } = await withoutAttack('none');
    expect(names).toEqual(styles);
    for (const style of styles) expect(shares[style]).toBeGreaterThan(0.05);
    expect(gain).toBeGreaterThan(0.5);
    expect(residuals.flat()).toEqual([]);
  });

  it.each([0.5, 1, 2, 4])('gives nothing for a copy beside orthogonal noise of %f times its length, nor takes any', async (amount) => {
    for (const [at, victim] of honest.entries()) {
      const copier = add('copier', victim.vector, idle(`noise ${amount} ${at}`, amount * LENGTH));
      const round = await evaluateRound([...honest, copier], `noise ${at}`);
      expect(theirs(round)).toEqual(theirs(await withoutAttack(`noise ${at}`)));
      expect(round.names).toEqual(styles);
      expect(round.copies).toEqual(amount < 1.5 ? ['copier'] : []);
    }
  });

  it('gives nothing for noisy copies of several in one, and calls it a mixture while the noise is the shorter', async () => {
    for (const [amount, copies] of [[0, ['mixer']], [0.3, ['mixer']], [0.8, ['mixer']], [1.5, []], [3, []]] as const) {
      const mixed = sum(...honest.map(({ vector }, i) => sum(vector, idle(`own ${i}`, 0.1 * LENGTH))));
      const mixer = add('mixer', scaled(mixed, 1 / 5), idle('mixer', amount * lengthOf(mixed) / 5));
      const round = await evaluateRound([...honest, mixer], `mixture ${amount}`);
      expect({ amount, copies: round.copies }).toEqual({ amount, copies });
      expect(theirs(round)).toEqual(theirs(await withoutAttack(`mixture ${amount}`)));
    }
  });

  it('sees through the length and the sign of a copy', async () => {
    for (const factor of [1e-3, 0.5, 7, -1]) {
      const round = await evaluateRound([...honest, add('copier', scaled(swing.vector, factor))], 'length');
      expect(round.copies).toEqual(['copier']);
      expect(theirs(round)).toEqual(theirs(await withoutAttack('length')));
    }
  });

  it('does not let a late near-twin push out its victim, not even a better one', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(`twin ${seed}`);
      const at = random.int(styles.length);
      const victim = honest[at]!;
      // as much of the victim as is no copy yet, and beside it the same style learned anew with less that is of no use
      const own = honestUpdate(styles[at]!, `twin ${seed}`).vector.map((x, d) => (d < styles.length ? x : 0.5 * x));
      const twin = add('twin', scaled(victim.vector, 0.2), own);
      const round = await evaluateRound([...honest, twin], `twin ${seed}`);
      expect(round.names).toEqual(expect.arrayContaining([victim.name]));
      expect(round.shares[victim.name]).toBeGreaterThan(0.9 * (await withoutAttack(`twin ${seed}`)).shares[victim.name]!);
    }
  });

  it('pays a later miner of a style for what the earlier one has not', async () => {
    const { residuals, overlaps, shares } = await evaluateRound([...honest, add('second', scaled(swing.vector, 0.3), honestUpdate('ambient', 'second').vector)], 'second');
    expect(overlaps[5]).toBeGreaterThan(0.3);
    expect(residuals[5]!.map(({ index }) => styles[index])).toEqual(expect.arrayContaining(['ambient', 'swing']));
    expect(shares['second'] ?? 0).toBeLessThan(0.02);
  });

  it('clips to who is accepted: many of tiny norm change nothing', async () => {
    for (const [length, alike] of [[1e-6, false], [1, false], [1, true]] as const) {
      const sybils = Array.from({ length: 10 }, (_, i) => {
        const vector = alike ? sum(scaled(honest[i % 5]!.vector, 0.1), idle(`sybil ${i}`, 2)) : idle(`sybil ${i}`, 1);
        return { name: `sybil ${i}`, vector: scaled(vector, length / lengthOf(vector)) };
      });
      for (const cast of [[...sybils, ...honest], [...honest, ...sybils]]) {
        const round = await evaluateRound(cast, 'tiny');
        const alone = await withoutAttack('tiny');
        expect(round.names).toEqual(styles);
        expect(theirs(round)).toEqual({ ...(theirs(alone) as object) });
        expect(cast.flatMap(({ name }, i) => (styles.includes(name) ? [round.factors[i]] : []))).toEqual(alone.factors);
      }
    }
  });

  it('clips a norm that claims to be more', async () => {
    const { names, factors, shares } = await evaluateRound(honest.map((one) => (one === victory ? add('victory', scaled(one.vector, 3)) : one)), 'inflated');
    expect(names).toEqual(styles);
    expect(factors[1]).toBeCloseTo(1 / 3, 2);
    expect(shares['victory']).toBeCloseTo((await withoutAttack('inflated')).shares['victory']!, 2);
  });

  it('pays both halves of one update together no more than the whole', async () => {
    const rest = dungeon.vector.map((x, d) => (d < styles.length ? 0 : x));
    const of = (half: number, share: number): Update => ({ name: `half ${half}`, vector: dungeon.vector.map((x, d) => (d < styles.length ? share * x : d % 2 === half ? rest[d]! : 0)) });
    const halves = [of(0, 0.5), of(1, 0.5)];
    const equal = [1, -1].map((sign): Update => add(`half ${sign}`, scaled(dungeon.vector, 0.5), scaled(idle('own', LENGTH), sign)));
    const whole = (await withoutAttack('split')).shares['dungeon']!;
    for (const parts of [halves, equal]) {
      const { shares } = await evaluateRound([...parts, ...honest.slice(1)], 'split');
      expect(parts.reduce((total, { name }) => total + (shares[name] ?? 0), 0)).toBeLessThan(1.05 * whole);
    }
  });
});
