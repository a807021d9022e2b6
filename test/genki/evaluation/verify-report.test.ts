import { describe, expect, it } from 'vitest';
import type { MinerReport, RoundReport } from '../../../genki/evaluation/round-report.ts';
import { parseReport } from '../../../genki/evaluation/parse-report.ts';
import { agrees, verifyReport, verifyRules } from '../../../genki/evaluation/verify-report.ts';
import { lengthFactor } from '../../../genki/federation/norm-clip.ts';
import { competitionDigest } from '../../../genki/protocol/competition.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { RUBY } from '../../../genki/protocol/ruby.ts';
import { randomReport } from './random-round.ts';

const seeds = Array.from({ length: 300 }, (_, i) => String(i));
const differencesOf = (report: RoundReport): string[] => verifyReport(report).flatMap(({ differences }) => differences);
const reports = seeds.map(randomReport);
/** One with accepted miners, a copy, somebody not measured, and a merge. */
const rich = reports.find(({ miners, acceptance }) => {
  const first = miners.find(({ verdict }) => verdict === 'accepted');
  const inside = first?.losses && first.quality && first.quality.anchored > 0 && first.quality.anchored < 1;
  return inside && acceptance.accepted.length > 2 && ['copy', 'rejected'].every((wanted) => miners.some(({ verdict }) => verdict === wanted));
})!;

type Path = readonly (string | number)[];
type Json = { [key: string | number]: Json };
/** A report with another value at a path. */
function lying(path: Path, value: unknown, from: RoundReport = rich): RoundReport {
  const copy = structuredClone(from);
  const holder = path.slice(0, -1).reduce<Json>((inner, key) => inner[key]!, copy as unknown as Json);
  const key = path.at(-1)!;
  const put: unknown = typeof value === 'function' ? (value as (before: unknown) => unknown)(holder[key]) : value;
  Object.assign(holder, { [key]: put });
  return copy;
}
const plus = (more: number) => (before: number | undefined): number => (before ?? 0) + more;
const at = (verdict: string): number => rich.miners.findIndex((miner) => miner.verdict === verdict);
const place = (index: number): string => `miners[${index}] (${rich.miners[index]!.hotkey.slice(0, 8)}…)`;

describe('verifyReport', () => {
  it.each(seeds)('agrees with every report as it was settled (seed %s)', (seed) => {
    const checks = verifyReport(parseReport(reports[Number(seed)]));
    expect(checks.flatMap(({ differences }) => differences)).toEqual([]);
    expect(agrees(checks)).toBe(true);
  });

  it('names the place, what is there and what follows', () => {
    const index = at('accepted');
    const { mean } = rich.miners[index]!.contribution!;
    expect(differencesOf(lying(['miners', index, 'contribution', 'mean'], 0.5))).toContain(`${place(index)}: contribution.mean is 0.5, the coalition values give ${mean}`);
  });

  /** Every number that is concluded, by its path. */
  const concluded = (report: RoundReport): (string | number)[][] => [
    ...report.miners.flatMap(({ update, gain, contribution, quality, diversity }, i) => update === null ? [] : [
      ...(gain ? [['miners', i, 'gain', 'natsPerCode'], ['miners', i, 'gain', 'relative']] : []),
      ...(contribution ? [['miners', i, 'contribution', 'mean'], ['miners', i, 'contribution', 'standardError']] : []),
      ...(quality ? [['miners', i, 'quality', 'anchored']] : []),
      ...(diversity ? [['miners', i, 'diversity', 'anchored']] : []),
      ['miners', i, 'score'],
      ['miners', i, 'weight'],
    ]),
    ...report.scores.after.entries.map((entry, i) => ['scores', 'after', 'entries', i, 'value' in entry ? 'value' : 'mu']),
    ['dama', 'before', 'mixture'],
    ...(report.dama.merged ? [['dama', 'merged', 'mixture']] : []),
  ];

  it.each(seeds.slice(0, 100))('finds any number that is off by the last digits (seed %s)', (seed) => {
    const random = new Random(`tamper ${seed}`);
    const report = reports[Number(seed)]!;
    for (const path of concluded(report)) {
      const lie = lying(path, plus(random.pick([1e-12, -1e-12])), report);
      expect(differencesOf(lie).join('\n'), path.join('.')).toContain(path.filter((key) => typeof key === 'string' && key !== 'miners' && key !== 'dama' && key !== 'scores' && key !== 'after' && key !== 'entries').at(-1));
    }
  });

  const style = Object.keys(rich.floors)[0]!;
  it.each<[string, Path, unknown, string]>([
    ['a raw loss', ['miners', at('accepted'), 'losses', style], plus(0.01), 'the losses give'],
    ['a coalition\'s value', ['coalitions', 'values', 1], plus(0.01), 'the coalition values give'],
    ['a distance', ['distances', 0], plus(0.01), 'the distances give'],
    ['a cosine', ['miners', at('accepted'), 'quality', 'mean'], plus(-0.01), 'the cosine between its anchors gives'],
    ['the policy', ['policy', 'name'], 'no-such-policy', 'got no-such-policy'],
    ['the base\'s value', ['coalitions', 'values', 0], 0.01, 'the base gains 0 on itself'],
    ['a coalition', ['coalitions', 'values'], [0, 1], 'coalitions.values has 2 values'],
    ['a distance too many', ['distances'], (before: number[]) => [...before, 1], 'pairs'],
    ['somebody twice', ['miners'], (before: MinerReport[]) => [...before, before[0]], 'is in it twice'],
    ['two miners in the wrong order', ['miners'], (before: MinerReport[]) => [...before].reverse(), 'committed before'],
    ['an accepted one who is not in the list', ['acceptance', 'accepted'], (before: string[]) => before.slice(1), 'the miners\' lines say'],
    ['somebody in the list who is not accepted', ['acceptance', 'accepted'], (before: string[]) => [...before, 'nobody'], 'the miners\' lines say'],
    ['a factor of somebody else', ['acceptance', 'normFactors', 'nobody'], 1, 'the miners\' lines say'],
    ['a part of who was accepted later', ['acceptance', 'residuals', rich.acceptance.accepted[0]!], [{ of: rich.acceptance.accepted[1]!, coefficient: 1 }], 'who was not accepted before it'],
    ['a weight for who was not measured', ['miners', at('rejected'), 'weight'], 0.5, 'of who was not measured it is 0'],
    ['a verdict on who was not measured', ['miners', at('rejected'), 'verdict'], 'accepted', 'no update was measured'],
    ['no update of who was accepted', ['miners', at('accepted'), 'update'], null, 'no update was measured'],
    ['a copy of somebody later', ['miners', at('copy'), 'similarity', 'to'], rich.miners.at(-1)!.hotkey, 'not measured before it'],
    ['a copy of nobody', ['miners', at('copy'), 'similarity', 'to'], null, 'is a copy of nobody'],
    ['losses of other styles', ['miners', at('accepted'), 'losses', 'polka'], 1, 'polka'],
    ['no loss of the base', ['baseLosses'], {}, 'baseLosses has none of'],
    ['another Dama to stand for', ['dama', 'next'], 'elsewhere', 'dama.next is "elsewhere"'],
    ['another Dama before', ['dama', 'before', 'digest'], 'elsewhere', 'dama.before.digest is "elsewhere"'],
    ['no merge in spite of the accepted', ['dama', 'merged'], null, 'dama.merged is nothing'],
    ['scores of this very epoch before it', ['scores', 'before'], rich.scores.after, 'Expected scores from before epoch 4'],
    ['a score left out', ['scores', 'after', 'entries'], (before: unknown[]) => before.slice(1), 'scores.after.entries'],
    ['half a commit', ['miners', at('accepted'), 'commitIndex'], null, 'has half a commit'],
  ])('finds %s', (_, path, value, words) => expect(differencesOf(lying(path, value)).join('\n')).toContain(words));

  it('holds members of an estimate to the accepted', () => {
    const estimated = (members: number[]) => lying(['coalitions'], { kind: 'estimated', measured: [{ members, value: 0 }], seed: 's', tolerance: 0.01, maxEvaluations: 9, permutations: 1, stoppedBy: 'tolerance' });
    for (const members of [[99], [0, 0], [1, 0], [-1]]) expect(differencesOf(estimated(members)).join('\n')).toContain(`coalitions.measured[0].members are ${members.join(', ')}`);
  });
});

describe('verifyRules', () => {
  it('holds a report against the competition that it is of', () => {
    const digest = competitionDigest(RUBY);
    const floors = Object.fromEntries(RUBY.styles.private.map((style) => [style, RUBY.styles.floors[style]!]));
    const own = { ...rich, netuid: RUBY.netuid, competition: { id: RUBY.id, digest }, policy: RUBY.policy, overTime: RUBY.overTime, floors, listening: { ...rich.listening!, embedder: `clap-nano ${RUBY.listening!.embedder.digest}`, clips: RUBY.generation.clips } };
    expect(verifyRules(own, RUBY, digest).differences).toEqual([]);
    expect(verifyRules({ ...own, policy: { name: 'delta-loss', parameters: {} } }, RUBY, digest).differences).toEqual([`policy.name is "delta-loss", the competition says "${RUBY.policy.name}"`]);
    expect(verifyRules({ ...own, floors: { ...floors, [RUBY.styles.private[0]!]: 9 } }, RUBY, digest).differences).toHaveLength(1);
    for (const listening of [null, { ...own.listening, clips: 1 }, { ...own.listening, embedder: 'deaf' }]) expect(verifyRules({ ...own, listening }, RUBY, digest).differences).toHaveLength(1);
    expect(verifyRules({ ...own, listening: null, miners: [] }, RUBY, digest).differences).toEqual([]);
    const estimated = { kind: 'estimated', measured: [], seed: own.seeds.shapley!, ...RUBY.shapley, permutations: 1, stoppedBy: 'budget' } as const;
    const withSeed = { ...own, seeds: { ...own.seeds, shapley: 'drawn' } };
    expect(verifyRules({ ...withSeed, coalitions: { ...estimated, seed: 'drawn' } }, RUBY, digest).differences).toEqual([]);
    expect(verifyRules({ ...withSeed, coalitions: { ...estimated, seed: 'chosen' } }, RUBY, digest).differences).toEqual(['estimate.seed is "chosen", the competition says "drawn"']);
    expect(verifyRules({ ...withSeed, coalitions: { ...estimated, seed: 'drawn', maxEvaluations: 2 } }, RUBY, digest).differences).toHaveLength(1);
  });
});

describe('parseReport', () => {
  it.each(seeds.slice(0, 20))('takes what a validator writes (seed %s)', (seed) => expect(parseReport(reports[Number(seed)])).toEqual(reports[Number(seed)]));

  const someone = at('accepted');
  it('takes an update that was lengthened', () => {
    const lengthened = lying(['acceptance', 'normFactors', rich.acceptance.accepted[0]!], lengthFactor(1, 2));
    expect(parseReport(lengthened)).toEqual(lengthened);
  });

  it.each<[string, Path, unknown, string]>([
    ['another version', ['version'], 1, 'at version'],
    ['a loss that is no number any more', ['miners', someone, 'losses', Object.keys(rich.floors)[0]!], null, 'expected number, received null'],
    ['a weight above 1', ['miners', someone, 'weight'], 1.5, 'weight'],
    ['a negative weight', ['miners', someone, 'weight'], -1e-9, 'weight'],
    ['a key that nobody knows', ['miners', someone, 'more'], 1, 'more'],
    ['a hotkey that moves the cursor', ['miners', someone, 'hotkey'], '\u001b[2J', 'hotkey'],
    ['half a block', ['miners', someone, 'commitBlock'], 1.5, 'commitBlock'],
    ['a verdict of its own', ['miners', someone, 'verdict'], 'splendid', 'verdict'],
    ['no miners', ['miners'], {}, 'expected a list'],
    ['too many coalitions', ['coalitions', 'values'], new Array(2 ** 10 + 1).fill(0), 'expected at most 1024 of them, got 1025'],
    ['thousands of miners of nothing', ['miners'], new Array(60_000).fill(null), 'at miners[0]'],
    ['losses of a thousand styles', ['miners', someone, 'losses'], Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`s${i}`, 1])), 'expected at most 64 keys, got 1000'],
    ['scores that no epoch leaves', ['scores', 'after'], { kind: 'average', entries: [{}] }, 'scores.after'],
    ['a key that leaves its bucket', ['base', 'weights', 'key'], '../../etc/passwd', 'base.weights.key'],
    ['a mixture of words', ['dama', 'before', 'mixture'], 'low', 'dama.before.mixture'],
    ['a ledger that is none', ['ledger'], { head: 'x', count: 1, sha256: 'x', bytes: 1 }, 'ledger'],
  ])('refuses %s', (_, path, value, words) => {
    expect(() => parseReport(lying(path, value))).toThrow('Expected a round report of version 2');
    expect(() => parseReport(lying(path, value))).toThrow(words);
  });

  it('is short and plain about a file full of nonsense', () => {
    const nonsense = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`\u001b[${i}J`, i]));
    try {
      parseReport({ ...rich, ...nonsense });
      expect.unreachable();
    } catch (error) {
      const { message } = error as Error;
      expect(message.length).toBeLessThan(2100);
      expect(message).not.toContain('\u001b');
    }
  });

  it.each([null, [], 'x', 1])('refuses %j', (json) => expect(() => parseReport(json)).toThrow('Expected a round report of version 2'));
  it('refuses what was no JSON', () => expect(() => parseReport(undefined)).toThrow('in JSON'));
});
