import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { epsilonOf, windowsWithin } from '../../../../genki/federation/privacy/accountant.ts';
import { Random } from '../../../../genki/protocol/random.ts';

type Golden = { noise: number; windows: number; delta: number; epsilon: number; order: number; published_orders: number; exact: number };
const { cases } = JSON.parse(readFileSync('test/goldens/privacy.json', 'utf8')) as { cases: Golden[] };

/** ε at one order, as Rényi's formula has it. */
const epsilonAt = (order: number, { noise, windows, delta }: { noise: number; windows: number; delta: number }): number =>
  (windows * order) / (2 * noise ** 2) + Math.log((order - 1) / order) - (Math.log(delta) + Math.log(order)) / (order - 1);

/** Positive reals of many sizes. */
const between = (random: Random, low: number, high: number): number => low * (high / low) ** random.float();

describe('epsilonOf', () => {
  it.each(cases)('has the least ε that dp-accounting finds: noise $noise, windows $windows, δ $delta', (golden) => {
    const { epsilon, order } = epsilonOf(golden);
    expect(Math.abs(epsilon / golden.epsilon - 1)).toBeLessThan(1e-6);
    expect(Math.abs(order / golden.order - 1)).toBeLessThan(1e-4);
    expect(epsilon).toBeLessThanOrEqual(golden.published_orders);
  });

  it('is above the exact ε, by 5 to 12 % where that is small', () => {
    const over = cases.map((golden) => ({ exact: golden.exact, ratio: epsilonOf(golden).epsilon / golden.exact }));
    for (const { ratio } of over) expect(ratio).toBeGreaterThan(1);
    const small = over.filter(({ exact }) => exact < 3).map(({ ratio }) => ratio);
    expect(Math.min(...small)).toBeGreaterThan(1.05);
    expect(Math.max(...small)).toBeLessThan(1.12);
  });

  it('is at the best of all orders, whatever the noise', () => {
    const random = new Random('orders');
    for (let n = 0; n < 300; n++) {
      const release = { noise: between(random, 1e-3, 1e3), windows: 1 + random.int(1000), delta: between(random, 1e-12, 1e-2) };
      const { epsilon, order } = epsilonOf(release);
      expect(epsilon).toBeCloseTo(Math.max(0, epsilonAt(order, release)), 6);
      for (let k = 0; k < 40; k++) expect(epsilonAt(1 + between(random, 1e-6, 1e6), release)).toBeGreaterThan(epsilon * (1 - 1e-9) - 1e-9);
    }
  });

  it('grows with the windows, and falls with noise and δ', () => {
    const random = new Random('monotone');
    for (let n = 0; n < 500; n++) {
      const release = { noise: between(random, 0.1, 20), windows: 1 + random.int(500), delta: between(random, 1e-10, 1e-3) };
      const { epsilon } = epsilonOf(release);
      expect(epsilonOf({ ...release, windows: release.windows + 1 }).epsilon).toBeGreaterThan(epsilon);
      expect(epsilonOf({ ...release, noise: release.noise * 1.01 }).epsilon).toBeLessThan(epsilon);
      expect(epsilonOf({ ...release, delta: release.delta * 1.01 }).epsilon).toBeLessThan(epsilon);
    }
  });

  it('counts four windows as one of half the noise', () => {
    expect(epsilonOf({ noise: 3, windows: 4, delta: 1e-6 }).epsilon).toBeCloseTo(epsilonOf({ noise: 1.5, windows: 1, delta: 1e-6 }).epsilon, 10);
  });

  it('is 0 before anything is published, and never less', () => {
    expect(epsilonOf({ noise: 1e4, windows: 1, delta: 0.5 }).epsilon).toBe(0);
    expect(epsilonOf({ noise: 1, windows: 0, delta: 1e-5 }).epsilon).toBe(0);
  });

  it('refuses what is no release', () => {
    expect(() => epsilonOf({ noise: 0, windows: 1, delta: 1e-5 })).toThrow('Expected positive noise, got 0');
    expect(() => epsilonOf({ noise: 1, windows: 0.5, delta: 1e-5 })).toThrow('Expected a number of windows, got 0.5');
    expect(() => epsilonOf({ noise: 1, windows: -1, delta: 1e-5 })).toThrow('Expected a number of windows, got -1');
    expect(() => epsilonOf({ noise: 1, windows: 1, delta: 1 })).toThrow('Expected a delta between 0 and 1, got 1');
  });
});

describe('windowsWithin', () => {
  it('is the last window that keeps to ε', () => {
    const random = new Random('within');
    for (let n = 0; n < 200; n++) {
      const release = { noise: between(random, 0.3, 100), delta: between(random, 1e-10, 1e-3) };
      const epsilon = between(random, 0.1, 50);
      const windows = windowsWithin({ ...release, epsilon });
      expect(epsilonOf({ ...release, windows }).epsilon).toBeLessThanOrEqual(epsilon);
      expect(epsilonOf({ ...release, windows: windows + 1 }).epsilon).toBeGreaterThan(epsilon);
    }
  });

  it('allows 157 windows of eightfold noise at ε = 8, and not one without noise to speak of', () => {
    expect(windowsWithin({ noise: 8, delta: 1e-5, epsilon: 8 })).toBe(157);
    expect(windowsWithin({ noise: 1e-3, delta: 1e-5, epsilon: 8 })).toBe(0);
  });

  it('refuses what is no ε', () => {
    expect(() => windowsWithin({ noise: 1, delta: 1e-5, epsilon: NaN })).toThrow('Expected an ε of 0 or more, got NaN');
    expect(() => windowsWithin({ noise: -1, delta: 1e-5, epsilon: 1 })).toThrow('Expected positive noise, got -1');
  });
});
