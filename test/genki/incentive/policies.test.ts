import { describe, expect, it } from 'vitest';
import { dama } from '../../../genki/incentive/dama.ts';
import { deltaLoss } from '../../../genki/incentive/delta-loss.ts';
import { policyNamed, policyNames } from '../../../genki/incentive/policies.ts';
import type { Measurement, Policy } from '../../../genki/incentive/policy.ts';
import { Random } from '../../../genki/protocol/random.ts';

const sum = (weights: readonly number[]): number => weights.reduce((total, weight) => total + weight, 0);
const close = (weights: readonly number[]) => weights.map((weight) => expect.closeTo(weight, 9));

/** Miners in commit order; both measures of worth are the same number, so that one law serves both policies. */
const miner = (worth: number, similarity = 0, rest: Partial<Measurement> = {}): Measurement => ({ accepted: true, deltaLoss: worth, contribution: worth, similarity, ...rest });
const crowd = (seed: string, n = 6): Measurement[] => {
  const random = new Random(seed);
  return Array.from({ length: n }, (_, i) => miner(random.normal(), i === 0 ? 0 : random.float(), { accepted: random.chance(0.8) }));
};
const seeds = Array.from({ length: 50 }, (_, i) => `${i}`);

describe('delta-loss', () => {
  it('is (0.95 - similarity) times the gain', () => {
    // .95 · .2 = .19, .55 · .4 = .22, 0 (a copy), 0 (worse than the base)
    expect(deltaLoss([miner(0.2), miner(0.4, 0.4), miner(0.4, 0.97), miner(-1, 0.1)])).toEqual(close([0.19 / 0.41, 0.22 / 0.41, 0, 0]));
  });

  it('pays nothing for a harmful copy, whose two negative factors would make a positive one', () => {
    expect(deltaLoss([miner(1), miner(-5, 1)])).toEqual([1, 0]);
  });
});

describe('dama', () => {
  it('gives the vector of the protocol', () => {
    const rows: Measurement[] = [
      { accepted: true, contribution: 0.2, similarity: 0, quality: 0.8, diversity: 0.6 },
      { accepted: true, contribution: 0.1, similarity: 0.4, quality: 0.6, diversity: 0.4 },
      { accepted: true, contribution: 0, similarity: 0, quality: 0.9, diversity: 0.9 },
    ];
    expect(dama(rows)).toEqual(close([0.14 / 0.17, 0.03 / 0.17, 0]));
    expect(dama(rows).map((weight) => weight.toFixed(6))).toEqual(['0.823529', '0.176471', '0.000000']);
  });

  it('leaves out what the competition does not measure', () => {
    expect(dama([miner(3), miner(1)])).toEqual([0.75, 0.25]);
    expect(dama([miner(1, 0, { quality: 0.9 }), miner(1, 0, { quality: 0.3 })])).toEqual(close([0.75, 0.25]));
  });

  it('pays nothing for listening marks that one miner alone has not', () => {
    expect(dama([miner(1, 0, { quality: 0.5 }), miner(1), miner(1, 0, { quality: NaN })])).toEqual([1, 0, 0]);
  });
});

describe.each([
  ['dama', dama],
  ['delta-loss', deltaLoss],
] satisfies [string, Policy][])('%s', (_, policy) => {
  it('gives finite weights, at least 0, that sum to 1 or are all 0', () => {
    for (const seed of seeds) {
      const weights = policy(crowd(seed));
      expect(weights.every((weight) => Number.isFinite(weight) && weight >= 0)).toBe(true);
      expect([0, 1]).toContain(Math.round(1e12 * sum(weights)) / 1e12);
    }
  });

  it('permutes the weights when miners are relabelled', () => {
    // the first in order has no earlier one to be alike, so its place is kept
    for (const seed of seeds) {
      const [first, ...rest] = crowd(seed) as [Measurement, ...Measurement[]];
      const order = new Random(seed).shuffle(rest.map((_one, i) => i));
      const before = policy([first, ...rest]);
      const after = policy([first, ...order.map((i) => rest[i]!)]);
      order.forEach((i, to) => expect(after[to + 1]).toBeCloseTo(before[i + 1]!, 12));
    }
  });

  it('never pays more for worse', () => {
    for (const seed of seeds) {
      const miners = crowd(seed);
      const before = policy(miners);
      miners.forEach((one, i) => {
        const less = { ...one, deltaLoss: one.deltaLoss! - 0.3, contribution: one.contribution! - 0.3 };
        expect(policy(miners.with(i, less))[i]).toBeLessThanOrEqual(before[i]!);
        if (i > 0) expect(policy(miners.with(i, { ...one, similarity: Math.min(1, one.similarity! + 0.2) }))[i]).toBeLessThanOrEqual(before[i]! + 1e-15);
      });
    }
  });

  it('never pays for no improvement', () => {
    for (const seed of seeds) {
      const miners = crowd(seed);
      miners.forEach((one, i) => expect(policy(miners.with(i, { ...one, deltaLoss: 0, contribution: 0 }))[i]).toBe(0));
    }
  });

  it('pays a copy of an earlier submission nothing, and takes nothing for it from the original', () => {
    for (const seed of seeds) {
      const miners = crowd(seed);
      for (const original of miners) {
        const weights = policy([...miners, { ...original, similarity: 1 }]);
        expect(weights.at(-1)).toBe(0);
        expect(weights.slice(0, -1)).toEqual(policy(miners));
      }
    }
  });

  it('does not pay for splitting one update in two', () => {
    for (const seed of seeds) {
      const miners = crowd(seed);
      miners.forEach((one, i) => {
        const half = { ...one, deltaLoss: one.deltaLoss! / 2, contribution: one.contribution! / 2 };
        const whole = policy(miners)[i]!;
        // the two halves of one direction are alike; also when they are not, Shapley shares the credit between them
        expect(sum(policy([...miners.with(i, half), { ...half, similarity: 1 }]).filter((_w, at) => at === i || at === miners.length))).toBeLessThanOrEqual(whole + 1e-12);
        expect(sum(policy([...miners.with(i, half), half]).filter((_w, at) => at === i || at === miners.length))).toBeLessThanOrEqual(whole + 1e-12);
      });
    }
  });

  it('pays only who passed the filter', () => {
    expect(policy([miner(1, 0, { accepted: false }), miner(1)])).toEqual([0, 1]);
    expect(policy([miner(1, 0, { accepted: false })])).toEqual([0]);
  });

  it('takes what is unknown for worth nothing', () => {
    for (const unknown of [undefined, NaN, Infinity, -Infinity]) {
      expect(policy([miner(1), miner(1, 0, { deltaLoss: unknown, contribution: unknown }), miner(1, 0, { similarity: unknown })])).toEqual([1, 0, 0]);
    }
  });

  it('needs no second miner, and no first', () => {
    expect(policy([miner(1e-9)])).toEqual([1]);
    expect(policy([])).toEqual([]);
    expect(policy([miner(2), miner(2), miner(2)])).toEqual(close([1 / 3, 1 / 3, 1 / 3]));
  });

  it('does not overflow', () => {
    expect(policy([miner(Number.MAX_VALUE), miner(Number.MAX_VALUE)])).toEqual([0.5, 0.5]);
    expect(policy([miner(Number.MIN_VALUE), miner(0)])[1]).toBe(0);
  });
});

describe('policyNamed', () => {
  it('knows the policies by the names of competition files', () => {
    expect(policyNames).toEqual(['dama', 'delta-loss']);
    expect(policyNamed('dama')).toBe(dama);
    expect(() => policyNamed('toString')).toThrow('Expected a policy of dama, delta-loss, got toString');
  });
});
