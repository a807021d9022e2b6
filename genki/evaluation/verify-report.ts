import { InvalidInput } from '../errors.ts';
import { byCommit } from '../protocol/commit-order.ts';
import type { Competition } from '../protocol/competition.ts';
import { compare, minerAt, textOf, type Comparison } from './differences.ts';
import type { MinerReport, RoundReport } from './round-report.ts';
import { weigh, type Concluded, type Recorded } from './weigh.ts';

/** One thing that was checked of a report. */
export type Check = {
  readonly what: string;
  /** Values that were looked at. */
  readonly compared: number;
  /** In words, each with its place. */
  readonly differences: readonly string[];
  /** Why this was not checked, or not all of it. */
  readonly note?: string;
};

/** A report's parts that the competition decides, held against a competition. */
export function verifyRules({ netuid, competition, policy, overTime, floors, coalitions, seeds, listening, miners }: RoundReport, rules: Competition, digest: string): Check {
  const floorsOf = Object.fromEntries(rules.styles.private.map((style) => [style, rules.styles.floors[style]]));
  const own = { netuid: rules.netuid, competition: { id: rules.id, digest }, policy: rules.policy, overTime: rules.overTime, floors: floorsOf };
  // by a seed, a patience or ears of its own, a report could choose among many that all add up
  const estimate = coalitions.kind === 'estimated' ? { seed: coalitions.seed, tolerance: coalitions.tolerance, maxEvaluations: coalitions.maxEvaluations } : null;
  const asked = estimate && { seed: seeds.shapley, ...rules.shapley };
  const ears = listening && { embedder: listening.embedder, clips: listening.clips };
  const isHeard = miners.some(({ update }) => update);
  const named = rules.listening && isHeard ? { embedder: `${rules.listening.embedder.kind} ${rules.listening.embedder.digest}`, clips: rules.generation.clips } : null;
  return checkOf('the competition\'s rules', compare({ netuid, competition, policy, overTime, floors, estimate, listening: ears }, { ...own, estimate: asked, listening: named }), 'the competition says');
}

/**
 * Everything in a report that follows from what it says was measured, computed again; doubles are the same or they differ.
 * What was measured is taken from the report.
 */
export function verifyReport(report: RoundReport): Check[] {
  const shape = [checkMiners(report), checkMeasured(report), checkAcceptance(report)];
  const dama = checkDama(report);
  if (shape.some(({ differences }) => differences.length > 0)) return [...shape, dama, { what: 'conclusions', compared: 0, differences: [], note: 'not computed from a record that contradicts itself' }];
  try {
    return [...shape, ...checkConclusions(report), dama];
  } catch (error) {
    if (!(error instanceof InvalidInput) && !(error instanceof RangeError)) throw error;
    return [...shape, { what: 'conclusions', compared: 0, differences: [error.message] }, dama];
  }
}

/** Whether all of it agrees; what could not be checked does not count. */
export const agrees = (checks: readonly Check[]): boolean => checks.every(({ differences }) => differences.length === 0);

export const checkOf = (what: string, { compared, differences }: Comparison, by: string): Check => ({ what, compared, differences: differences.map((one) => textOf(one, by)) });

/** Those that were measured, in commit order, with their places in the report. */
const measuredOf = ({ miners }: RoundReport): { readonly miner: MinerReport; readonly index: number }[] => miners.flatMap((miner, index) => (miner.update ? [{ miner, index }] : []));

/** What a report says was measured, without what it concludes. */
function recordOf(report: RoundReport): Recorded {
  const measured = measuredOf(report).map(({ miner }) => miner);
  return {
    ...report,
    scores: report.scores.before,
    accepted: report.acceptance.accepted.map((hotkey) => measured.findIndex((miner) => miner.hotkey === hotkey)),
    miners: measured.map(({ hotkey, registeredAt, losses, agreement, overlap, quality, diversity }) => ({ hotkey, registeredAt, losses, agreement, overlap: overlap!, cosine: quality?.mean ?? null, distance: diversity?.distance ?? null })),
  };
}

function checkConclusions(report: RoundReport): Check[] {
  const concluded = weigh(recordOf(report));
  const measured = measuredOf(report);
  const each = (what: string, by: string, part: (miner: Omit<Concluded, 'quality'> & { readonly quality: number | null }) => object): Check => {
    const found = measured.map(({ miner, index }, i) => compare(part({ ...miner, quality: miner.quality?.anchored ?? null }), part(concluded.miners[i]!), { where: `${minerAt(index, miner)}: ` }));
    return checkOf(what, { compared: found.reduce((sum, { compared }) => sum + compared, 0), differences: found.flatMap(({ differences }) => differences) }, by);
  };
  return [
    each('gains', 'the losses give', ({ gain }) => ({ gain })),
    each('contributions', 'the coalition values give', ({ contribution }) => ({ contribution })),
    each('quality', 'the cosine between its anchors gives', ({ quality }) => ({ quality: { anchored: quality } })),
    each('diversity', 'the distances give', ({ diversity }) => ({ diversity })),
    each('scores', `the policy ${report.policy.name} gives`, ({ score }) => ({ score })),
    each('weights', 'the scores give', ({ weight }) => ({ weight })),
    checkOf('scores over time', compare({ scores: { after: report.scores.after } }, { scores: { after: concluded.scores } }), 'the scores before and now give'),
  ];
}

function checkMiners({ miners }: RoundReport): Check {
  const seen = new Map<string, number>();
  const differences = miners.flatMap((miner, index) => {
    const before = miners[index - 1];
    const first = seen.get(miner.hotkey);
    seen.set(miner.hotkey, first ?? index);
    return [
      ...(first === undefined ? [] : [`${minerAt(index, miner)} is in it twice, first at ${first}`]),
      ...(before && byCommit(before, miner) > 0 ? [`${minerAt(index, miner)} committed before ${minerAt(index - 1, before)}`] : []),
      ...((miner.commitBlock === null) === (miner.commitIndex === null) ? [] : [`${minerAt(index, miner)} has half a commit: block ${miner.commitBlock}, index ${miner.commitIndex}`]),
    ];
  });
  return { what: 'miners in commit order', compared: miners.length, differences };
}

const NOTHING = { losses: null, gain: null, marginal: null, contribution: null, similarity: null, overlap: null, quality: null, diversity: null, agreement: null, score: 0, weight: 0 } as const;

/** Who was measured has an update and a verdict on it, and who was not has neither numbers nor a weight. */
function checkMeasured(report: RoundReport): Check {
  const { miners, baseLosses, floors } = report;
  const styles = Object.keys(baseLosses);
  const measured = measuredOf(report);
  const place = new Map(measured.map(({ miner }, i) => [miner.hotkey, i]));
  const differences = miners.flatMap((miner, index): string[] => {
    const { update, verdict, losses, similarity } = miner;
    const where = minerAt(index, miner);
    const isVerdict = ['accepted', 'copy', 'not-accepted'].includes(verdict);
    if (!update) return [...(isVerdict ? [`${where} is ${verdict}, and no update was measured`] : []), ...compare(pick(miner, NOTHING), NOTHING, { where: `${where}: ` }).differences.map((one) => textOf(one, 'of who was not measured it is'))];
    if (!similarity) return [`${where} was measured, and held against nobody`];
    const { value, to, by } = similarity;
    return [
      ...(isVerdict ? [] : [`${where} was measured, and is ${verdict}`]),
      ...(losses && String(Object.keys(losses).sort()) !== String([...styles].sort()) ? [`${where} has losses of ${Object.keys(losses).join(', ')}, the base of ${styles.join(', ')}`] : []),
      ...(to !== null && by !== 'ledger' && by !== 'past' && !((place.get(to) ?? Infinity) < place.get(miner.hotkey)!) ? [`${where} is alike to ${to}, who was not measured before it`] : []),
      ...(verdict === 'copy' && to === null ? [`${where} is a copy of nobody`] : []),
      ...(verdict === 'copy' && value === 0 ? [`${where} is a copy with a similarity of 0`] : []),
    ];
  });
  const missing = measured.length > 0 ? Object.keys(floors).filter((style) => !Object.hasOwn(baseLosses, style)) : [];
  return { what: 'who was measured', compared: miners.length, differences: [...missing.map((style) => `baseLosses has none of ${style}, which is to be learned`), ...differences] };
}

function checkAcceptance(report: RoundReport): Check {
  const { miners, acceptance, coalitions, listening, distances, dama } = report;
  const accepted = miners.flatMap(({ hotkey, verdict }) => (verdict === 'accepted' ? [hotkey] : []));
  const measured = measuredOf(report).map(({ miner }) => miner.hotkey);
  const players = accepted.length;
  const pairs = listening ? (players * (players - 1)) / 2 : 0;
  const whose = compare({ accepted: acceptance.accepted, factors: Object.keys(acceptance.normFactors).sort() }, { accepted, factors: [...measured].sort() }, { where: 'acceptance' });
  return {
    what: 'who was accepted',
    compared: whose.compared + 3,
    differences: [
      ...whose.differences.map((one) => textOf(one, 'the miners\' lines say')),
      ...wrongResiduals(acceptance),
      ...wrongCoalitions(coalitions, players),
      ...(distances.length === pairs ? [] : [`distances has ${distances.length} values, ${players} accepted have ${pairs} pairs${listening ? '' : ' that are listened to'}`]),
      ...((dama.merged === null) === (players === 0) ? [] : [`dama.merged is ${dama.merged === null ? 'nothing' : 'there'}, with ${players} accepted`]),
    ],
  };
}

/** Of an accepted one only those accepted before it can be taken out. */
function wrongResiduals({ accepted, residuals }: RoundReport['acceptance']): string[] {
  const place = new Map(accepted.map((hotkey, i) => [hotkey, i]));
  return Object.entries(residuals).flatMap(([hotkey, parts]) => {
    const own = place.get(hotkey) ?? -1;
    return parts.filter(({ of }) => !((place.get(of) ?? Infinity) < own)).map(({ of }) => `acceptance.residuals of ${hotkey} have ${of}, who was not accepted before it`);
  });
}

function wrongCoalitions(coalitions: RoundReport['coalitions'], players: number): string[] {
  if (coalitions.kind === 'exact') {
    const { values } = coalitions;
    const expected = players === 0 ? 0 : 2 ** players;
    if (values.length !== expected) return [`coalitions.values has ${values.length} values, ${players} accepted have ${expected} coalitions`];
    return values.length > 0 && values[0] !== 0 ? [`coalitions.values[0] is ${values[0]}, the base gains 0 on itself`] : [];
  }
  return coalitions.measured.flatMap(({ members }, i) => {
    const isSet = members.every((member, k) => member < players && member > (members[k - 1] ?? -1));
    return isSet ? [] : [`coalitions.measured[${i}].members are ${members.slice(0, 10).join(', ')}, of ${players} accepted`];
  });
}

function checkDama({ base, floors, dama }: RoundReport): Check {
  const learned = Object.keys(floors);
  const mixtureOf = (losses: Readonly<Record<string, number>>): number | null => finite(learned.reduce((sum, style) => sum + losses[style]!, 0) / learned.length);
  const { before, merged, published } = dama;
  const said = { before: { digest: before.digest, mixture: before.mixture }, merged: merged && { mixture: merged.mixture }, next: dama.next, published };
  const follows = { before: { digest: base.digest, mixture: mixtureOf(before.byStyle) }, merged: merged && { mixture: mixtureOf(merged.byStyle) }, next: published && merged ? merged.digest : base.digest, published: published && merged !== null };
  return checkOf('the Dama', compare(said, follows, { where: 'dama' }), 'the rest of the report gives');
}

/** As JSON has it. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const pick = <T extends object>(from: T, keys: object): Partial<T> => Object.fromEntries(Object.entries(from).filter(([key]) => Object.hasOwn(keys, key))) as Partial<T>;
