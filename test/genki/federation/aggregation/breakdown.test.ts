import { describe, expect, it } from 'vitest';
import { honestUpdates } from '../../../../genki/attacks/windows/breakdown-table.ts';
import { collusion } from '../../../../genki/attacks/windows/collusion.ts';
import { scaling } from '../../../../genki/attacks/windows/scaling.ts';
import { apart, meanOf, spreadOf } from '../../../../genki/attacks/windows/spread.ts';
import { WINDOW_ATTACKS } from '../../../../genki/attacks/windows/window-attacks.ts';
import { aggregate } from '../../../../genki/federation/aggregation/aggregate.ts';
import { breakdown, breakdownShare, countOf } from '../../../../genki/federation/aggregation/breakdown.ts';
import type { Aggregation } from '../../../../genki/protocol/exchange.ts';
import { boundOf, mixedFirst, radiusFor, widthOf } from './bounds.ts';
import { nameOf, rulesFor, specsFor } from './updates.ts';

const VALUES = 12;
/** So far off that whoever lets it through is broken, in honest standard deviations. */
const [FAR, BROKEN] = [1e6, 1000];
const DRASTIC = { collusion: collusion(FAR), scaling: scaling(FAR) };

describe('breakdown', () => {
  it('is what the papers say, for 20 peers of which a fifth may be faulty', () => {
    expect(rulesFor(0.2).map((rule) => breakdown({ rule }, 20))).toEqual([0, 4, 9, 9, 4, 4, 4, 9]);
    expect(rulesFor(0.2).map((rule) => breakdown({ rule, mixing: 0.1 }, 20))).toEqual([0, 2, 2, 2, 2, 2, 2, 2]);
  });

  it('is what few peers allow', () => {
    const of = (rule: Aggregation['rule']): number[] => [1, 2, 3, 5, 6, 7, 11].map((n) => breakdown({ rule }, n));
    expect(of({ kind: 'coordinate-median' })).toEqual([0, 0, 1, 2, 2, 3, 5]);
    expect(of({ kind: 'trimmed-mean', trim: 0.2 })).toEqual([0, 0, 0, 1, 1, 1, 2]);
    expect(of({ kind: 'krum', faulty: 0.49 })).toEqual([0, 0, 0, 1, 1, 2, 4]);
    expect(of({ kind: 'bulyan', faulty: 0.24 })).toEqual([0, 0, 0, 0, 0, 1, 2]);
  });

  it('as a share is what very many peers come to', () => {
    for (const spec of specsFor(0.2)) expect(breakdownShare(spec)).toBeCloseTo(breakdown(spec, 1e6) / 1e6, 5);
  });

  it('counts 29 of 100 as .29', () => expect([countOf(0.29, 100), countOf(0.2, 4), countOf(0.2, 5), countOf(0.49, 3)]).toEqual([29, 0, 1, 1]));
});

describe.each(specsFor(0.2).map((spec) => ({ name: nameOf(spec), spec })))('$name', ({ spec: { rule, mixing } }) => {
  it.each([5, 11, 20])('keeps to its bound while as few of %i peers are faulty as it survives', (peers) => {
    for (const share of [0.1, 0.24, 0.4]) {
      const specOf = (radius?: number): Aggregation => specsFor(share, radius).find((spec) => spec.rule.kind === rule.kind && (spec.mixing === undefined) === (mixing === undefined))!;
      for (const [attack, made] of Object.entries({ ...WINDOW_ATTACKS, ...DRASTIC })) {
        const faulty = breakdown(specOf(), peers);
        const honest = honestUpdates(peers - faulty, `${peers}`, VALUES);
        const updates = [...honest, ...made(honest, faulty, attack)];
        const seen = { honest: mixing === undefined ? honest : mixedFirst(updates, countOf(share, peers), honest.length), peers, faulty };
        const spec = specOf(radiusFor(seen));
        const distance = apart(aggregate(spec, updates), meanOf(seen.honest));
        // a far-off value leaves less of float32 and of the inner products
        expect(distance, `${attack}, ${faulty} of ${peers}`).toBeLessThanOrEqual(boundOf(spec.rule, seen) * 1.001);
      }
    }
  });
});

describe('mixing', () => {
  it('moves no honest update farther than the honest ones are apart, while as few are faulty as it is told', () => {
    for (const made of Object.values({ ...WINDOW_ATTACKS, ...DRASTIC })) {
      const honest = honestUpdates(8, 'mixing', VALUES);
      const mixed = mixedFirst([...honest, ...made(honest, 4, 'mixing')], 4, 8);
      mixed.forEach((update, i) => expect(apart(update, honest[i]!)).toBeLessThanOrEqual(widthOf(honest)));
    }
  });
});

/** The smallest number of faulty ones among these peers with which an attack gets through. */
function brokenAt(spec: Aggregation, peers: number): number {
  const counts = Array.from({ length: peers - 1 }, (_, i) => i + 1);
  return counts.find((faulty) => {
    const honest = honestUpdates(peers - faulty, 'beyond', VALUES);
    return Object.values(DRASTIC).some((made) => apart(aggregate(spec, [...honest, ...made(honest, faulty, 'beyond')]), meanOf(honest)) > BROKEN * spreadOf(honest));
  })!;
}

describe('beyond that', () => {
  it.each([
    { kind: 'mean' },
    { kind: 'trimmed-mean', trim: 0.2 },
    { kind: 'coordinate-median' },
    { kind: 'geometric-median' },
    { kind: 'multi-krum', faulty: 0.2 },
  ] as const)('$kind breaks by one more', (rule) => {
    for (const peers of [5, 11, 20]) expect(brokenAt({ rule }, peers)).toBe(breakdown({ rule }, peers) + 1);
  });

  it('every rule behind mixing breaks by one more than it was told, or than it survives, if its values can be brought far off', () => {
    for (const rule of rulesFor(0.2).filter(({ kind }) => kind !== 'centred-clipping')) expect(brokenAt({ rule, mixing: 0.2 }, 20)).toBe(breakdown({ rule, mixing: 0.2 }, 20) + 1);
  });

  it.each([{ kind: 'krum', faulty: 0.4 }, { kind: 'bulyan', faulty: 0.24 }] as const)('$kind breaks by a majority at the latest', (rule) => {
    const at = brokenAt({ rule }, 20);
    expect(at).toBeGreaterThan(breakdown({ rule }, 20));
    expect(at).toBeLessThanOrEqual(11);
  });

  it('centred clipping leaves its bound by a majority', () => {
    const peers = 20;
    const honest = honestUpdates(9, 'beyond', VALUES);
    const radius = radiusFor({ honest, peers, faulty: 9 });
    const rule = { kind: 'centred-clipping', radius, iterations: 100 } as const;
    const distance = apart(aggregate({ rule }, [...honest, ...DRASTIC.collusion(honest, 11, 'beyond')]), meanOf(honest));
    expect(distance).toBeGreaterThan(2 * boundOf(rule, { honest, peers, faulty: 9 }));
  });
});
