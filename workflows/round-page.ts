import type { Others, Round, RoundPlan, Submission } from '../activities/round.ts';
import { leaderboard } from '../genki/evaluation/round-report.ts';
import type { ObjectRef } from '../genki/store/object-store.ts';
import type { Outcome } from './evaluate-submission.ts';
import { factTable, grouped, literal, pageOf, short, table } from './markdown.ts';
import type { Settled } from './measure-round.ts';

export const ROUND_PHASES = ['snapshot', 'evaluate', 'compare', 'accept', 'contribution', 'aggregate', 'publish', 'done'] as const;
export type RoundPhase = (typeof ROUND_PHASES)[number];

/** One miner that was looked at. */
export type Evaluated = { readonly submission: Submission; readonly outcome: Outcome };

/** What a round has written so far. Blocks are null when nothing was sent or confirmed; `notes` say why. */
export type Written = { readonly report: ObjectRef; readonly commitment: number | null; readonly weightsSet: number | null; readonly notes: readonly string[] };

/** Where a round has come to; what is not known yet is missing. */
export type RoundState = {
  readonly phase: RoundPhase;
  readonly round?: Round;
  /** Milliseconds since 1970. */
  readonly endsBy?: number;
  /** In the order in which they were done. */
  readonly evaluated: readonly Evaluated[];
  readonly settled?: Settled;
  readonly written?: Written;
};

export type RoundProgress = { readonly phase: string; readonly epoch?: number; readonly evaluated: number; readonly of: number; readonly scored: number };

export const progressOf = ({ phase, round, evaluated }: RoundState): RoundProgress => ({
  phase,
  ...(round && { epoch: round.plan.epoch }),
  evaluated: evaluated.length,
  of: round?.submissions.length ?? 0,
  scored: evaluated.filter(({ outcome }) => outcome.kind === 'scored').length,
});

/** A round's line in the list of workflows. */
export const roundSummary = ({ netuid, epoch, validator }: { readonly netuid: number; readonly epoch: number; readonly validator: string }): string => `netuid ${netuid} · epoch ${epoch} · ${validator}`;

/** What a person calls a hotkey: its name on this machine, without anything that Markdown would take for more than a name; else its beginning. */
export const nameOf = (names: Round['names'], hotkey: string): string => short((names[hotkey] ?? short(hotkey, 8)).replace(/[^A-Za-z0-9 .…_-]/g, '?'), 40);

const BEST = 5;
const TROUBLES = 8;
const NAMED = 3;

/** A round as a page to read, Markdown. */
export function roundPage({ phase, round, endsBy, evaluated, settled, written }: RoundState): string {
  const step = ROUND_PHASES.indexOf(phase);
  const running = phase === 'done' ? '' : ` · step ${step + 1} of ${ROUND_PHASES.length - 1}`;
  if (!round) return `**${phase}**${running}`;
  const { plan, names, others, submissions } = round;
  const title = `**${phase}**${running} · netuid ${plan.netuid} · epoch ${plan.epoch} · ${literal(nameOf(names, plan.hotkey))}${plan.dryRun ? ' · dry run' : ''}`;
  const facts = factTable([
    ['snapshot', `block ${grouped(plan.snapshot.number)} ${literal(short(plan.snapshot.hash, 18))}`],
    ['ends by', endsBy === undefined || phase === 'done' ? undefined : `${new Date(endsBy).toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    ['miners', lookedAt(evaluated, submissions.length, settled)],
    ['others', notLookedAt(others)],
    ['Dama', damaLine(plan, settled)],
    ['chain', written && chainLine(written)],
    ['report', written && literal(`${written.report.bucket}/${written.report.key}`)],
  ]);
  return pageOf([title, '', ...facts, ...best(names, settled), ...troubles(names, evaluated)]);
}

function lookedAt(evaluated: readonly Evaluated[], of: number, settled: Settled | undefined): string {
  const count = (kind: Outcome['kind']): number => evaluated.filter(({ outcome }) => outcome.kind === kind).length;
  const judged = (['accepted', 'copy', 'not-accepted'] as const).flatMap((verdict) => {
    const many = settled?.report.miners.filter((miner) => miner.verdict === verdict).length ?? 0;
    return many > 0 ? [`${many} ${verdict === 'copy' ? 'copied' : verdict.replace('-', ' ')}`] : [];
  });
  return `${evaluated.length} of ${of} looked at: ${count('scored')} scored${judged.length > 0 ? ` (${judged.join(', ')})` : ''}, ${count('rejected')} rejected, ${count('unavailable')} unavailable`;
}

function notLookedAt({ notDrawn, rejected, tooRecent, absent }: Others): string | undefined {
  const counts: readonly (readonly [number, string])[] = [[notDrawn, 'not drawn'], [rejected, 'without a valid commitment'], [tooRecent, 'committed too late'], [absent, 'without a commitment']];
  return counts.flatMap(([count, what]) => (count > 0 ? [`${grouped(count)} ${what}`] : [])).join(', ') || undefined;
}

function damaLine({ base }: RoundPlan, settled: Settled | undefined): string {
  const digest = (text: string): string => literal(short(text, 12));
  if (!settled) return digest(base.digest);
  const { next, reason } = settled.report.dama;
  return `${digest(base.digest)}${next === base.digest ? '' : ` → ${digest(next)}`}, ${reason}`;
}

function chainLine({ commitment, weightsSet, notes }: Written): string {
  const blocks = [weightsSet === null ? [] : [`weights in block ${grouped(weightsSet)}`], commitment === null ? [] : [`report committed in block ${grouped(commitment)}`]].flat();
  return [...blocks, ...notes.map(literal)].join(', ') || 'nothing yet';
}

function best(names: Round['names'], settled: Settled | undefined): string[] {
  const paid = leaderboard(settled?.report.miners ?? []).filter(({ weight }) => weight > 0);
  if (paid.length === 0) return [];
  const number = (value: number | null | undefined): string => value?.toFixed(3) ?? '–';
  const rows = paid.slice(0, BEST).map(({ rank, hotkey, contribution, quality, diversity, overlap, weight }) => [String(rank), literal(nameOf(names, hotkey)), `${(100 * weight).toFixed(1)} %`, number(contribution?.mean), number(quality?.anchored), number(diversity?.anchored), number(overlap === null ? null : 1 - overlap)]);
  return ['', `**${paid.length} earned something**${paid.length > BEST ? `, the best ${BEST}:` : ''}`, '', ...table(['', 'miner', 'weight', 'contribution', 'quality', 'diversity', 'originality'], rows)];
}

/** Those who have the same reason share a line. */
function troubles(names: Round['names'], evaluated: readonly Evaluated[]): string[] {
  const without = evaluated.flatMap(({ submission, outcome }) => (outcome.kind === 'scored' ? [] : [{ who: nameOf(names, submission.hotkey), what: `${outcome.kind}: ${short(outcome.reason, 200)}` }]));
  if (without.length === 0) return [];
  const whom = new Map<string, string[]>();
  for (const { who, what } of without) whom.set(what, [...(whom.get(what) ?? []), who]);
  const rows = [...whom].map(([what, all]) => [`${all.slice(0, NAMED).map(literal).join(' ')}${all.length > NAMED ? ` and ${all.length - NAMED} more` : ''}`, literal(what)]);
  return ['', `**${without.length} without a score**${rows.length > TROUBLES ? `, ${TROUBLES} of ${rows.length} reasons:` : ''}`, '', ...table(['miner', 'why'], rows.slice(0, TROUBLES))];
}
