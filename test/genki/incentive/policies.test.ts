import { describe, expect, it } from 'vitest';
import { dama } from '../../../genki/incentive/dama.ts';
import { deltaLoss } from '../../../genki/incentive/delta-loss.ts';
import { checkPolicy, policyDefinition, policyNamed, policyNames, policyScores } from '../../../genki/incentive/policies.ts';
import type { Measurement, Policy } from '../../../genki/incentive/policy.ts';
import { softmax } from '../../../genki/incentive/softmax.ts';

const close = (weights: readonly number[]) => weights.map((weight) => expect.closeTo(weight, 9));

/** Miners in commit order; both measures of worth are the same number, so that one law serves both policies. */
const miner = (worth: number, similarity = 0, rest: Partial<Measurement> = {}): Measurement => ({ accepted: true, deltaLoss: worth, contribution: worth, similarity, ...rest });

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
    expect(policyNames).toEqual(['dama', 'delta-loss', 'genki', 'win-rate', 'gradient-agreement']);
    expect(policyNamed('dama')).toBe(dama);
    expect(() => policyNamed('toString')).toThrow('Expected a policy of dama, delta-loss, genki, win-rate, gradient-agreement, got toString');
  });
});

describe('checkPolicy', () => {
  it('takes every default, and what lies in the stated range', () => {
    for (const name of policyNames) {
      const { parameters } = policyDefinition(name);
      for (const end of ['default', 'least', 'most'] as const) {
        expect(() => checkPolicy({ name, parameters: Object.fromEntries(Object.entries(parameters).map(([key, parameter]) => [key, parameter[end]])) })).not.toThrow();
      }
      expect(Object.values(parameters).every(({ meaning }) => meaning.endsWith('.'))).toBe(true);
    }
  });

  it('names the parameter that is unknown or out of its range, as the policy itself does', () => {
    const bad: [string, Record<string, number>, string][] = [
      ['genki', { temprature: 1 }, 'Expected parameters of temperature, leastQuality, leastCosine, got temprature'],
      ['genki', { temperature: 0 }, 'Expected temperature in [0.000001, 1000], got 0'],
      ['win-rate', { epsilon: NaN }, 'Expected epsilon in [0, 0.5], got NaN'],
      ['delta-loss', { leastAlike: 1.5 }, 'Expected leastAlike in [0, 1], got 1.5'],
      ['dama', { toString: 1 }, 'Expected no parameters, got toString'],
      ['gradient-agreement', { rate: 0.001 }, 'Expected no parameters, got rate'],
    ];
    for (const [name, parameters, message] of bad) {
      expect(() => checkPolicy({ name, parameters })).toThrow(message);
      expect(() => policyNamed(name)([], parameters)).toThrow(message);
    }
  });
});

describe('a parameter', () => {
  it('changes what it says', () => {
    expect(deltaLoss([miner(1), miner(1, 0.6)], { leastAlike: 0.6 })).toEqual([1, 0]);
    const cold = policyNamed('win-rate')([miner(1, 0, { losses: [1] }), miner(1, 0, { losses: [2] })], { temperature: 1 });
    expect(cold[0]).toBeCloseTo(Math.E / (Math.E + 1), 12);
  });
});

describe('softmax', () => {
  it('is the ratio of the powers, at any temperature', () => {
    const [a, b, none] = softmax([0.3, 0.1, undefined], 0.1);
    expect(a! / b!).toBeCloseTo(Math.E ** 2, 9);
    expect([a! + b!, none]).toEqual([expect.closeTo(1, 12), 0]);
    expect(softmax([1, 0.9], 1e-6)).toEqual([1, 0]);
    expect(softmax([undefined], 1)).toEqual([0]);
  });
});

describe('policyScores', () => {
  it('averages the weights, or the agreement where it is that', () => {
    const miners = [miner(3, 0, { agreement: 0.5 }), miner(1, 0, { agreement: -0.25 })];
    expect(policyScores({ name: 'dama', parameters: {} }, miners)).toEqual([0.75, 0.25]);
    expect(policyScores({ name: 'gradient-agreement', parameters: {} }, miners)).toEqual([0.5, -0.25]);
  });

  it('has the rate of each ancestor\'s average beside it', () => {
    expect(policyNames.map((name) => policyDefinition(name).averageRate)).toEqual([1, 1, 0.5, 0.1, 0.001]);
  });
});
