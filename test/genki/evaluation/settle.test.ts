import { describe, expect, it } from 'vitest';
import type { Acceptance } from '../../../genki/evaluation/acceptance.ts';
import { relativeGain } from '../../../genki/evaluation/relative-gain.ts';
import { settle, type Committed, type Measurements, type RoundFacts } from '../../../genki/evaluation/settle.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';

const facts: RoundFacts = {
  netuid: 1,
  epoch: 4,
  competition: { id: 'rn', digest: 'd' },
  snapshot: { number: 9, hash: '0x00' },
  seeds: { A: 'a', B: 'b', C: 'c' },
  engine: 'test',
  policy: { name: 'dama', parameters: {} },
  baseDigest: 'base',
  learned: ['x', 'y'],
};
const holdOutB = { styles: ['x', 'x', 'y', 'y'], floors: { x: 0, y: 0 }, guards: [] };
const base = [2, 2, 1, 1];
const commit = (hotkey: string, commitBlock: number): Committed => ({ hotkey, registeredAt: 1, commitBlock, commitIndex: 0 });
const accepted = (index: number) => ({ index, accepted: true, marginal: { mean: 0.1, standardError: 0.01 }, reason: 'adds' });
const acceptance: Acceptance = { accepted: [0, 1], verdicts: [accepted(0), accepted(1), { ...accepted(3), accepted: false, reason: 'adds nothing' }], scale: 0.5, gain: 0.4, evaluations: 12 };
const coalitions = [base, [1, 1, 1, 1], [2, 2, 0.75, 0.75], [1, 1, 0.75, 0.75]];
const measured: Measurements = {
  scored: [commit('a', 2), commit('b', 3), commit('copier', 4), commit('junk', 5)],
  notScored: [{ ...commit('broken', 1), verdict: 'rejected', reason: 'Expected a safetensors file, got 3 bytes' }],
  similarities: [{ similarity: 0 }, { similarity: 0.1, to: 0 }, { similarity: 1, to: 1 }, { similarity: 0 }],
  duplicates: [{ index: 2, to: 1, similarity: 1, reason: 'copy' }],
  factors: [1, 0.5, 1, 1],
  base,
  alone: [coalitions[1]!, coalitions[2]!, coalitions[2]!, [NaN, 2, 1, 1]],
  holdOutB,
  acceptance,
  coalitions,
  merged: {
    digest: 'merged',
    before: base,
    after: coalitions[3]!,
    styles: holdOutB.styles,
    next: { publish: true, gain: { mean: 0.6, standardError: 0 }, reason: 'the merged Dama is better' },
  },
};

describe('settle', () => {
  const report = settle(facts, measured);
  const line = (hotkey: string) => report.miners.find((miner) => miner.hotkey === hotkey)!;

  it('gives everybody a line, in commit order', () => {
    expect(report.miners.map(({ hotkey, verdict }) => [hotkey, verdict])).toEqual([['broken', 'rejected'], ['a', 'accepted'], ['b', 'accepted'], ['copier', 'copy'], ['junk', 'not-accepted']]);
  });

  it('shares the relative gain of the merge among the accepted', () => {
    expect(line('a').contribution).toBeCloseTo(0.25, 12);
    expect(line('b').contribution).toBeCloseTo(0.125, 12);
    expect(line('a').contribution! + line('b').contribution!).toBeCloseTo(relativeGain(base, coalitions[3]!, holdOutB), 12);
    // .25 · 1 and .125 · .9
    expect(line('a').weight).toBeCloseTo(0.25 / 0.3625, 12);
    expect(line('b').weight).toBeCloseTo(0.1125 / 0.3625, 12);
  });

  it('pays nothing to a copy, to what was not accepted, and to what is broken', () => {
    expect(['copier', 'junk', 'broken'].map((hotkey) => line(hotkey).weight)).toEqual([0, 0, 0]);
    expect(line('copier')).toMatchObject({ reason: 'copy', similarity: { value: 1, to: 'b' }, contribution: null, marginal: null });
  });

  it('can be written as canonical JSON whatever a submission did to its loss', () => {
    expect(line('junk').gain).toBeNull();
    expect(JSON.parse(Buffer.from(canonicalJson(report)).toString())).toEqual(report);
  });

  it('stands for the merged Dama or for the current one', () => {
    expect(report.dama).toMatchObject({ before: { digest: 'base', mixture: 1.5, byStyle: { x: 2, y: 1 } }, merged: { digest: 'merged', mixture: 0.875 }, next: 'merged', published: true });
    const kept = settle(facts, { ...measured, merged: { ...measured.merged!, next: { ...measured.merged!.next, publish: false } } });
    expect(kept.dama).toMatchObject({ next: 'base', published: false });
  });

  it('reports a round in which nobody was accepted', () => {
    const none = settle(facts, { ...measured, acceptance: { accepted: [], verdicts: [], scale: 0.5, gain: 0, evaluations: 1 }, coalitions: [], merged: undefined });
    expect(none.miners.map(({ weight }) => weight)).toEqual([0, 0, 0, 0, 0]);
    expect(none.dama).toMatchObject({ merged: null, next: 'base', published: false });
  });

  it('gives the same report twice', () => expect(settle(facts, measured)).toEqual(report));
});
