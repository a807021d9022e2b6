import { describe, expect, it } from 'vitest';
import type { Carried } from '../../../genki/incentive/epoch-scores.ts';
import type { Acceptance } from '../../../genki/evaluation/acceptance.ts';
import { lossByStyle } from '../../../genki/evaluation/held-out.ts';
import { relativeGain } from '../../../genki/evaluation/relative-gain.ts';
import { settle, type Committed, type Measurements, type RoundFacts } from '../../../genki/evaluation/settle.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';

const ref = (key: string) => ({ bucket: 'b', key, sha256: '0'.repeat(64), bytes: 1 });
const facts: RoundFacts = {
  netuid: 1,
  epoch: 4,
  competition: { id: 'rn', digest: 'd' },
  snapshot: { number: 9, hash: '0x00' },
  seeds: { A: 'a', B: 'b', C: 'c' },
  engine: 'test',
  policy: { name: 'dama', parameters: {} },
  overTime: { kind: 'average', rate: 1, expiresAfter: 1 },
  base: { digest: 'base', weights: ref('model'), config: ref('config') },
  floors: { x: 0, y: 0 },
  past: { scores: null, leader: null, ledger: null },
  lastScale: null,
};
const holdOutB = { styles: ['x', 'x', 'y', 'y'], floors: { x: 0, y: 0 }, guards: [] };
const base = [2, 2, 1, 1];
const commit = (hotkey: string, commitBlock: number): Committed => ({ hotkey, registeredAt: 1, commitBlock, commitIndex: 0 });
const scored = (hotkey: string, commitBlock: number) => ({ ...commit(hotkey, commitBlock), update: { sha256: '1'.repeat(64), bytes: 2, digest: hotkey } });
const accepted = (index: number) => ({ index, accepted: true, margin: 0.1, marginal: { mean: 0.1, standardError: 0.01 }, reason: 'adds' });
const acceptance: Acceptance = { accepted: [0, 1], verdicts: [accepted(0), accepted(1), { ...accepted(3), accepted: false, reason: 'adds nothing' }], factors: [1, 0.5, 1, 1], residuals: [[], [{ index: 0, coefficient: 0.25 }], [], []], overlaps: [0, 0.1, 0, 0], scale: 0.5, gain: 0.4, evaluations: 12 };
const coalitions = [base, [1, 1, 1, 1], [2, 2, 0.75, 0.75], [1, 1, 0.75, 0.75]];
const measured: Measurements = {
  scored: [scored('a', 2), scored('b', 3), scored('copier', 4), scored('junk', 5)],
  notScored: [{ ...commit('broken', 1), verdict: 'rejected', reason: 'Expected a safetensors file, got 3 bytes' }],
  compared: {
    similarities: [{ similarity: 0 }, { similarity: 0.1, to: 0 }, { similarity: 1, to: 1 }, { similarity: 0 }],
    duplicates: [{ index: 2, reason: 'copy' }],
    ledger: null,
  },
  base,
  alone: [coalitions[1]!, coalitions[2]!, coalitions[2]!, [NaN, 2, 1, 1]].map((losses) => lossByStyle(losses, holdOutB.styles)),
  holdOutB,
  acceptance,
  coalitions: { kind: 'exact', values: coalitions.map((losses) => relativeGain(base, losses, holdOutB)) },
  heard: undefined,
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
    expect(line('a').contribution!.mean).toBeCloseTo(0.25, 12);
    expect(line('b').contribution!.mean).toBeCloseTo(0.125, 12);
    expect(line('a').contribution!.mean + line('b').contribution!.mean).toBeCloseTo(relativeGain(base, coalitions[3]!, holdOutB), 12);
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

  it('says what each accepted is multiplied by, and what it has of those before it', () => {
    expect(report.acceptance).toMatchObject({ accepted: ['a', 'b'], normFactors: { a: 1, b: 0.5, copier: 1, junk: 1 }, residuals: { b: [{ of: 'a', coefficient: 0.25 }] } });
  });

  it('names whom the ledger knows, also where that one is gone', () => {
    const seen = settle(facts, { ...measured, compared: { ...measured.compared, similarities: measured.compared.similarities.map((one, i) => (i === 3 ? { similarity: 1, by: 'ledger', hotkey: 'gone' } : one)) } });
    expect(seen.miners.find(({ hotkey }) => hotkey === 'junk')!.similarity).toEqual({ value: 1, to: 'gone', by: 'ledger' });
  });

  it('stands for the merged Dama or for the current one', () => {
    expect(report.dama).toMatchObject({ before: { digest: 'base', mixture: 1.5, byStyle: { x: 2, y: 1 } }, merged: { digest: 'merged', mixture: 0.875 }, next: 'merged', published: true });
    const kept = settle(facts, { ...measured, merged: { ...measured.merged!, next: { ...measured.merged!.next, publish: false } } });
    expect(kept.dama).toMatchObject({ next: 'base', published: false });
  });

  it('reports a round in which nobody was accepted', () => {
    const none = settle(facts, { ...measured, acceptance: { ...acceptance, accepted: [], verdicts: [] }, coalitions: { kind: 'exact', values: [] }, merged: undefined });
    expect(none.miners.map(({ weight }) => weight)).toEqual([0, 0, 0, 0, 0]);
    expect(none.dama).toMatchObject({ merged: null, next: 'base', published: false });
  });

  it('pays half for how the clips sound, between what noise and what the data itself reads', () => {
    const anchors = { embedder: 'test', quality: { floor: 0, ceiling: 0.5 }, diversity: { floor: 1, ceiling: 3 }, alike: 0.4 };
    const quality = [0.5, 0.25, 0.5, -0.1].map((mean) => ({ mean, standardError: 0.1 }));
    const heard = settle(facts, { ...measured, heard: { anchors, clips: 5, quality, distances: [2], diversity: [2, 2, 5, 9] } });
    const of = (hotkey: string) => heard.miners.find((miner) => miner.hotkey === hotkey)!;
    expect(['a', 'b', 'junk'].map((hotkey) => [of(hotkey).quality!.anchored, of(hotkey).diversity])).toEqual([[1, { distance: 2, anchored: 0.5 }], [0.5, { distance: 2, anchored: 0.5 }], [0, { distance: 9, anchored: 1 }]]);
    // .25 · 1 · (1 + .5) / 2 and .125 · .9 · (.5 + .5) / 2
    expect(of('a').weight).toBeCloseTo(0.1875 / 0.24375, 12);
    expect(of('junk').weight).toBe(0);
  });

  it('carries the scores on, and averages them with those of the epochs before', () => {
    const before: Carried = { kind: 'average', entries: ['a', 'gone', 'junk'].map((hotkey) => ({ competition: 'rn', hotkey, registeredAt: 1, value: 1, epoch: 3 })) };
    const averaged = settle({ ...facts, overTime: { kind: 'average', rate: 0.5, expiresAfter: 4 }, past: { ...facts.past, scores: before } }, measured);
    const { score, weight } = averaged.miners.find(({ hotkey }) => hotkey === 'a')!;
    const other = averaged.miners.find(({ hotkey }) => hotkey === 'b')!;
    expect(weight).toBeCloseTo((0.5 + score / 2) / (0.5 + score / 2 + other.score), 12);
    expect(averaged.scores.before).toEqual(before);
    expect(averaged.scores.after.entries.map(({ hotkey, epoch }) => [hotkey, epoch])).toContainEqual(['gone', 3]);
    expect(averaged.miners.some(({ hotkey }) => hotkey === 'gone')).toBe(false);
    // paid well once, and nothing in an epoch that it adds nothing in
    expect(averaged.miners.find(({ hotkey }) => hotkey === 'junk')!.weight).toBe(0);
  });

  it('gives the same report twice', () => expect(settle(facts, measured)).toEqual(report));
});
