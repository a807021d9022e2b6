import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { aggregate } from '../../../../genki/federation/aggregation/aggregate.ts';
import { Aggregation } from '../../../../genki/protocol/exchange.ts';
import { sha256Hex } from '../../../../genki/protocol/digests.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { nameOf, randomUpdates, rulesFor, specsFor } from './updates.ts';

type Golden = { readonly peers: number; readonly share: number; readonly radius: number; readonly updates: number[][]; readonly plain: Record<string, number[]>; readonly mixed: Record<string, number[]> };
const { cases } = JSON.parse(readFileSync(new URL('../../../goldens/aggregation.json', import.meta.url), 'utf8')) as { cases: Golden[] };

/** Compared at once; the runner compares vectors value by value, which takes longer than all else. */
const bytesOf = (values: Float32Array): string => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
const scalars = (...values: number[]): Float32Array[] => values.map((value) => Float32Array.of(value));
const of = (rule: Aggregation['rule'], updates: readonly Float32Array[], mixing?: number): number[] => [...aggregate({ rule, ...(mixing !== undefined && { mixing }) }, updates)];

describe('aggregate, by hand', () => {
  it('takes the mean', () => expect(of({ kind: 'mean' }, scalars(1, 2, 6))).toEqual([3]));

  it('leaves out the fifth at each end of each value', () => {
    const updates = [[1, 50], [2, 40], [3, 30], [4, 20], [100, -900]].map((values) => Float32Array.from(values));
    expect(of({ kind: 'trimmed-mean', trim: 0.2 }, updates)).toEqual([3, 30]);
  });

  it('takes the median, of an even number the mean of the middle two', () => {
    expect(of({ kind: 'coordinate-median' }, scalars(9, 1, 2))).toEqual([2]);
    expect(of({ kind: 'coordinate-median' }, scalars(9, 1, 2, 4))).toEqual([3]);
  });

  it('finds the point with angles of 120° to three corners: the middle of an equilateral triangle', () => {
    const corners = [0, 1, 2].map((k) => Float32Array.of(5 + Math.cos((2 * Math.PI * k) / 3), 7 + Math.sin((2 * Math.PI * k) / 3)));
    const [x, y] = of({ kind: 'geometric-median' }, corners);
    expect([x, y].map((value) => Math.round(value! * 1e6) / 1e6)).toEqual([5, 7]);
  });

  it('stays at the corner of a triangle with more than 120° there', () => {
    const [x, y] = of({ kind: 'geometric-median' }, [Float32Array.of(-10, 0), Float32Array.of(0, 1), Float32Array.of(10, 0)]);
    expect(x).toBeCloseTo(0, 5);
    expect(y).toBeCloseTo(1, 5);
  });

  it('chooses by Krum the one in the middle of the others, of equals the first', () => {
    // of five with one faulty two neighbours count: 1 + 1 for the 3
    expect(of({ kind: 'krum', faulty: 0.2 }, scalars(2, 3, 4, 6, 90))).toEqual([3]);
    expect(of({ kind: 'krum', faulty: 0.2 }, scalars(90, 4, 3, 4, 3))).toEqual([4]);
  });

  it('takes by multi-Krum the mean of all but the faulty', () => expect(of({ kind: 'multi-krum', faulty: 0.2 }, scalars(2, 3, 4, 7, 90))).toEqual([4]));

  it('takes by Bulyan the mean of those around the median of what Krum selects', () => {
    // of seven with one faulty Krum selects 4, 3 (of three equals), 6, 5 and 8; of those 4, 5 and 6 are the nearest to the 5
    expect(of({ kind: 'bulyan', faulty: 0.15 }, scalars(2, 3, 4, 5, 6, 8, 90))).toEqual([5]);
  });

  it('clips to the radius around 0, and then around what that gave', () => {
    expect(of({ kind: 'centred-clipping', radius: 1, iterations: 1 }, scalars(0.5, 10))).toEqual([0.75]);
    // from 0.75: −0.25 and 1
    expect(of({ kind: 'centred-clipping', radius: 1, iterations: 2 }, scalars(0.5, 10))).toEqual([1.125]);
  });

  it('mixes before the rule', () => expect(of({ kind: 'coordinate-median' }, scalars(0, 1, 10), 0.4)).toEqual([0.5]));
});

describe('aggregate, beside NumPy and SciPy', () => {
  it.each(cases.flatMap((golden) => (['plain', 'mixed'] as const).map((how) => ({ ...golden, how, expected: golden[how] }))))('gives the same values for $peers peers, $how', ({ share, radius, updates, how, expected }) => {
    for (const rule of rulesFor(share, radius)) {
      const aggregated = of(rule, updates.map((values) => Float32Array.from(values)), how === 'mixed' ? share : undefined);
      // to the rounding of float32; the geometric median as near as steps that do not move any more come
      const tolerance = rule.kind === 'geometric-median' ? 1e-6 : 3e-7;
      aggregated.forEach((value, k) => expect(Math.abs(value - expected[rule.kind]![k]!), `${rule.kind} ${k}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value))));
    }
  });
});

describe.each(specsFor(0.2).map((spec) => ({ name: nameOf(spec), spec })))('$name', ({ spec }) => {
  const random = new Random(nameOf(spec));

  it('leaves what all agree on, and is defined for every number of peers', () => {
    for (let n = 1; n <= 12; n++) {
      const update = randomUpdates(1, 9, `same ${n}`)[0]!.map((value) => value / 4);
      expect(bytesOf(aggregate(spec, Array.from({ length: n }, () => update)))).toEqual(bytesOf(update));
      expect([...aggregate(spec, randomUpdates(n, 9, `any ${n}`))].every(Number.isFinite)).toBe(true);
    }
  });

  it('does not see the order of the list, but for the last bit', () => {
    for (let n = 1; n <= 12; n++) {
      const updates = randomUpdates(n, 17, `order ${n}`);
      const [one, other] = [aggregate(spec, updates), aggregate(spec, random.shuffle(updates))];
      one.forEach((value, k) => expect(Math.abs(value - other[k]!)).toBeLessThanOrEqual(2 ** -23 * Math.max(Math.abs(value), 1e-3)));
    }
  });

  it('grows with its updates', () => {
    if (spec.rule.kind === 'centred-clipping') return;
    const updates = randomUpdates(9, 17, 'growth');
    expect(bytesOf(aggregate(spec, updates.map((update) => update.map((value) => 4 * value))))).toEqual(bytesOf(aggregate(spec, updates).map((value) => 4 * value)));
  });

  it('changes no update, and does the same again', () => {
    const updates = randomUpdates(7, 600, 'again');
    const before = updates.map(bytesOf);
    expect(bytesOf(aggregate(spec, updates))).toEqual(bytesOf(aggregate(spec, updates)));
    expect(updates.map(bytesOf)).toEqual(before);
  });

  it('does not see where blocks end', () => {
    const updates = randomUpdates(6, 1025, 'blocks');
    const padded = updates.map((update) => Float32Array.from({ length: 1536 }, (_, i) => update[i] ?? 0));
    expect(bytesOf(aggregate(spec, updates))).toEqual(bytesOf(aggregate(spec, padded).slice(0, 1025)));
  });
});

describe('aggregate', () => {
  it('gives these bytes on every machine', () => {
    // updates without a function of the machine's own in them: sums of uniform draws
    const random = new Random('bytes');
    const updates = Array.from({ length: 13 }, () => Float32Array.from({ length: 700 }, () => random.float() + random.float() + random.float() - 1.5));
    const digests = specsFor(0.2).map((spec) => `${nameOf(spec)} ${sha256Hex(new Uint8Array(aggregate(spec, updates).buffer)).slice(0, 12)}`);
    expect(digests).toMatchInlineSnapshot(`
      [
        "mean 8977b4a68fb2",
        "mean behind mixing 6828e64dcc0a",
        "trimmed-mean 5d5cbd91b4fc",
        "trimmed-mean behind mixing ea8b8a080fb1",
        "coordinate-median e760497bb2b3",
        "coordinate-median behind mixing 0f34ac41678d",
        "geometric-median 2f9e4fb88d58",
        "geometric-median behind mixing 7144c2c58c32",
        "krum 6c32df962f0c",
        "krum behind mixing 76f004b7efbb",
        "multi-krum 2b82011d05a0",
        "multi-krum behind mixing 186d00a85d8d",
        "bulyan cc092a337db8",
        "bulyan behind mixing ba0f9be6aaa5",
        "centred-clipping 850f0838be57",
        "centred-clipping behind mixing 6828e64dcc0a",
      ]
    `);
  });

  it('of very many far-off ones finds the honest ones nevertheless', () => {
    const honest = randomUpdates(11, 50, 'honest');
    const far = Array.from({ length: 9 }, () => new Float32Array(50).fill(1e18));
    for (const rule of [{ kind: 'geometric-median' }, { kind: 'coordinate-median' }, { kind: 'trimmed-mean', trim: 0.45 }] as const) {
      expect(Math.max(...of(rule, [...far, ...honest]).map(Math.abs))).toBeLessThan(6);
    }
  });

  it('names a list that is none', () => {
    expect(() => aggregate({ rule: { kind: 'mean' } }, [])).toThrow(new RangeError('Expected at least one update, got none'));
    expect(() => aggregate({ rule: { kind: 'krum', faulty: 0.2 } }, [new Float32Array(3), new Float32Array(2)])).toThrow(new RangeError('Expected updates of 3 values, got one of 2'));
  });

  it('knows every rule of a competition', () => {
    for (const spec of specsFor(0.2)) expect(Aggregation.parse(spec)).toEqual(spec);
  });
});
