import { describe, expect, it } from 'vitest';
import { epochScores, MAX_CARRIED, type Carried, type Epoch, type OverTime } from '../../../genki/incentive/epoch-scores.ts';
import { readCarried } from '../../../genki/incentive/read-carried.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { sum } from './crowd.ts';

const average = (rate: number): OverTime => ({ kind: 'average', rate, expiresAfter: 3 });
const openskill: OverTime = { kind: 'openskill', expiresAfter: 3 };
const kinds: [string, OverTime][] = [['average', average(0.25)], ['openskill', openskill]];
const miner = (hotkey: string, score: number, registeredAt = 7) => ({ hotkey, registeredAt, score });
const run = (epoch: number, measured: Epoch['measured'], { overTime = average(0.25), previous, competition = 'ruby' }: Partial<Epoch> = {}) => epochScores({ competition, epoch, overTime, previous, measured });
const close = (weights: Record<string, number>) => new Map(Object.entries(weights).map(([hotkey, weight]) => [hotkey, expect.closeTo(weight, 12)]));
/** As a report would carry it. */
const throughReport = (carried: Carried): Carried => readCarried(JSON.parse(JSON.stringify(carried)));

describe('epochScores by average', () => {
  it('pays by the average, in which a newcomer starts at its first score', () => {
    const { carried } = run(1, [miner('a', 0.8), miner('b', 0.2)]);
    const next = run(2, [miner('a', 0.4), miner('b', 0.2), miner('c', 0.4)], { previous: carried });
    expect(next.weights).toEqual(close({ a: 0.7 / 1.3, b: 0.2 / 1.3, c: 0.4 / 1.3 })); // .25 · .4 + .75 · .8 = .7
  });

  it('pays this epoch alone at a rate of 1', () => {
    const { carried } = run(1, [miner('a', 1), miner('b', 0)], { overTime: average(1) });
    expect(run(2, [miner('a', 0.25), miner('b', 0.75)], { overTime: average(1), previous: carried }).weights).toEqual(close({ a: 0.25, b: 0.75 }));
  });

  it('averages scores below 0, and pays them nothing', () => {
    const { carried, weights } = run(1, [miner('a', -0.5), miner('b', 0.5)]);
    expect(weights).toEqual(new Map([['a', 0], ['b', 1]]));
    const next = run(2, [miner('a', 0.5), miner('b', 0.5)], { previous: carried });
    expect(next.carried.entries[0]).toMatchObject({ value: 0.25 * 0.5 - 0.75 * 0.5 });
    expect(next.weights).toEqual(new Map([['a', 0], ['b', 1]]));
  });
});

describe('epochScores by rating', () => {
  it('pays by what a miner can all but certainly do', () => {
    let carried: Carried | undefined;
    for (let epoch = 1; epoch <= 10; epoch++) ({ carried } = run(epoch, [miner('a', 0.6), miner('b', 0.3), miner('c', 0.1)], { overTime: openskill, previous: carried }));
    const { weights } = run(11, [miner('a', 0.6), miner('b', 0.3), miner('c', 0.1)], { overTime: openskill, previous: carried });
    expect(weights.get('a')!).toBeGreaterThan(weights.get('b')!);
    expect(weights.get('b')!).toBeGreaterThan(0.05);
    expect(sum([...weights.values()])).toBeCloseTo(1, 12);
  });

  it('pays the scores themselves while no rating says anything: one alone has all', () => {
    expect(run(1, [miner('a', 0.2)], { overTime: openskill }).weights).toEqual(new Map([['a', 1]]));
    expect(run(1, [miner('a', 0.25), miner('b', 0.25)], { overTime: openskill }).weights.get('b')).toBeCloseTo(0.5, 12);
  });

  it('pays the scores also where only somebody who earned nothing is known to be good', () => {
    const since = { competition: 'ruby', registeredAt: 7, epoch: 1 };
    const previous: Carried = { kind: 'openskill', entries: [{ ...since, hotkey: 'a', mu: 40, sigma: 2 }, { ...since, hotkey: 'b', mu: 10, sigma: 5 }] };
    expect(run(2, [miner('a', 0), miner('b', 0.1)], { overTime: openskill, previous }).weights).toEqual(new Map([['a', 0], ['b', 1]]));
  });

  it('starts anew when the competition changes from one kind to the other', () => {
    const { carried } = run(1, [miner('a', 0.8)]);
    expect(run(2, [miner('a', 0.8)], { overTime: openskill, previous: carried }).carried).toEqual({ kind: 'openskill', entries: [{ competition: 'ruby', hotkey: 'a', registeredAt: 7, epoch: 2, mu: 25, sigma: 25 / 3 }] });
  });
});

describe.each(kinds)('epochScores (%s)', (_, overTime) => {
  it('gives a skipped miner no weight, and no old score either', () => {
    const { carried } = run(1, [miner('a', 0.9), miner('b', 0.1)], { overTime });
    const next = run(2, [miner('b', 0.1)], { overTime, previous: carried });
    expect(next.weights).toEqual(new Map([['b', 1]]));
    expect(next.carried.entries.map(({ hotkey, epoch }) => [hotkey, epoch])).toEqual([['b', 2], ['a', 1]]);
  });

  it('forgets who was not measured for so many epochs', () => {
    let { carried } = run(1, [miner('a', 0.9)], { overTime });
    for (const epoch of [2, 3, 4]) ({ carried } = run(epoch, [miner('b', 0.1)], { overTime, previous: carried }));
    expect(carried.entries.map(({ hotkey }) => hotkey)).toEqual(['b', 'a']);
    expect(run(5, [], { overTime, previous: carried }).carried.entries.map(({ hotkey }) => hotkey)).toEqual(['b']);
  });

  it('pays nothing to who earned nothing in this epoch, whatever it has earned before', () => {
    const { carried } = run(1, [miner('a', 1), miner('b', 0.5)], { overTime });
    const next = run(2, [miner('a', 0), miner('b', 1e-6)], { overTime, previous: carried });
    expect(next.weights).toEqual(new Map([['a', 0], ['b', 1]]));
    expect(run(2, [miner('a', 0), miner('b', NaN)], { overTime, previous: carried }).weights).toEqual(new Map([['a', 0], ['b', 0]]));
  });

  it('keeps competitions apart, and passes on those that it is not asked about', () => {
    const first = run(1, [miner('a', 0.9), miner('b', 0.1)], { overTime, competition: 'x' });
    const second = run(1, [miner('a', 0.1), miner('b', 0.9)], { overTime, competition: 'y', previous: first.carried });
    expect(second.weights).toEqual(run(1, [miner('a', 0.1), miner('b', 0.9)], { overTime, competition: 'y' }).weights);
    expect(second.carried.entries).toEqual(expect.arrayContaining([...first.carried.entries]));
  });

  it('goes on the same from what a report carries: a new validator needs nothing else', () => {
    const random = new Random('report');
    let [own, read]: (Carried | undefined)[] = [undefined, undefined];
    for (let epoch = 1; epoch <= 30; epoch++) {
      const measured = Array.from({ length: 6 }, (_, i) => miner(`m${i}`, random.normal() / 5, 1 + random.int(2))).filter(() => random.chance(0.7)).map((one) => ({ ...one, score: Math.max(-1, Math.min(1, one.score)) }));
      const ours = run(epoch, measured, { overTime, previous: own });
      const theirs = run(epoch, measured, { overTime, previous: read });
      expect(theirs).toEqual(ours);
      [own, read] = [ours.carried, throughReport(theirs.carried)];
    }
  });

  it('has finite weights that sum to 1 or are all 0, and pays nobody whose score is not above 0', () => {
    const random = new Random('weights');
    for (let at = 0; at < 300; at++) {
      const scores = Array.from({ length: 5 }, () => random.pick([NaN, Infinity, -1, 0, 0.1, random.float(), random.float()]));
      const { carried } = run(1, Array.from({ length: 5 }, (_, i) => miner(`m${i}`, random.float())), { overTime });
      const weights = [...run(2, scores.map((score, i) => miner(`m${i}`, score)), { overTime, previous: carried }).weights.values()];
      expect(weights.every((weight, i) => weight === 0 || (weight > 0 && weight <= 1 && scores[i]! > 0))).toBe(true);
      expect([0, 1]).toContain(Math.round(1e12 * sum(weights)) / 1e12);
    }
  });

  it('refuses an epoch that is in the state already, a hotkey twice, and more miners than a report holds', () => {
    const { carried } = run(2, [miner('a', 1)], { overTime });
    expect(() => run(2, [miner('a', 1)], { overTime, previous: carried })).toThrow('Expected scores from before epoch 2, got one from epoch 2');
    expect(() => run(2, [miner('a', 1), miner('a', 1, 8)], { overTime })).toThrow('Expected one measurement of a, got two');
    expect(() => run(2, Array.from({ length: MAX_CARRIED + 1 }, (_, i) => miner(`m${i}`, 1)), { overTime })).toThrow('Expected at most 4096 miners, got 4097');
    expect(() => run(2, [], { overTime: { ...overTime, expiresAfter: 0 } })).toThrow('Expected a score to expire after 1 epoch or more, got 0');
  });

  it('carries no more than a report holds: the longest unmeasured go first', () => {
    const worth = overTime.kind === 'average' ? { value: 0.5 } : { mu: 25, sigma: 8 };
    const entries = Array.from({ length: MAX_CARRIED }, (_, i) => ({ competition: 'ruby', hotkey: `m${i}`, registeredAt: 7, epoch: 7 + (i % 3), ...worth }));
    const { carried } = run(10, [miner('a', 0.5), miner('b', 0.5)], { overTime, previous: { kind: overTime.kind, entries } as Carried });
    expect(carried.entries).toHaveLength(MAX_CARRIED);
    expect(carried.entries.slice(0, 2).map(({ hotkey }) => hotkey)).toEqual(['a', 'b']);
    const dropped = entries.filter(({ hotkey }) => !carried.entries.some((one) => one.hotkey === hotkey));
    expect(dropped.map(({ epoch }) => epoch)).toEqual([7, 7]);
    expect(readCarried(carried)).toEqual(carried);
  });
});

describe('worse never pays more', () => {
  /** A case in which somebody is paid more for a score that is lower. */
  const counterExample = (overTime: OverTime, cases: number, drawn: (random: Random) => number): number | undefined => {
    const random = new Random('worse');
    for (let at = 0; at < cases; at++) {
      const scores = (): number[] => Array.from({ length: 4 }, () => drawn(random));
      const measured = (all: readonly number[]) => all.map((score, i) => miner(`m${i}`, score));
      let carried: Carried | undefined;
      for (let epoch = 1; epoch <= 3; epoch++) ({ carried } = run(epoch, measured(scores()), { overTime, previous: carried }));
      const pay = (all: readonly number[]): number => run(4, measured(all), { overTime, previous: carried }).weights.get('m0')!;
      const [now, less] = [scores(), random.float() / 3];
      if (pay(now.with(0, now[0]! - less)) > pay(now) + 1e-12) return at;
    }
    return undefined;
  };
  const withTies = (random: Random): number => random.int(4) / 3;

  it('by average', () => {
    expect(counterExample(average(0.25), 2000, withTies)).toBeUndefined();
  });

  it('by rating, as long as no two scores are equal; else a rank lost may tell more, and a surer rating be worth more', () => {
    expect(counterExample(openskill, 200, (random) => 1 / 3 + random.float() / 2)).toBeUndefined();
    expect(counterExample(openskill, 2000, withTies)).toBeDefined();
  });
});
