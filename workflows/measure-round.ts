import type { NotEvaluated, RoundContext } from '../activities/round.ts';
import type { HoldOut } from '../genki/evaluation/held-out.ts';
import { settle, type Committed, type Measurements } from '../genki/evaluation/settle.ts';
import { coalitions } from '../genki/evaluation/shapley.ts';
import type { RoundReport } from '../genki/evaluation/round-report.ts';
import { decideNextDama } from '../genki/federation/next-dama.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import type { HoldOutPart, JudgeInput } from '../activities/model/judge.ts';
import type { Outcome } from './evaluate-submission.ts';
import { mapBounded } from './map-bounded.ts';
import { compute, scoring } from './steps.ts';

/** Everybody's part of a round, before miners are held against each other. */
export type Evaluated = { readonly round: RoundContext; readonly outcomes: readonly Outcome[]; readonly notEvaluated: readonly NotEvaluated[] };
export type Settled = { readonly report: RoundReport; /** the one to stand for */ readonly dama: Dama };

/** Coalitions a step: a few seconds of the small model, some minutes of the large one, done again at most once. */
const COALITIONS_A_STEP = 8;
/** Steps side by side: a second validator or miner shares the runners. */
const STEPS_SIDE_BY_SIDE = 2;

/** Across miners: similarity → acceptance → contribution → merge, and the report that follows from them. */
export async function measureRound({ round, outcomes, notEvaluated }: Evaluated, enter: (phase: string) => void): Promise<Settled> {
  const scored = outcomes.filter((outcome) => outcome.kind === 'scored');
  if (scored.length === 0) return settleWithout({ round, outcomes, notEvaluated });
  enter('compare');
  const { similarities, originals, duplicates, factors } = await compute.compareSubmissions({ round, submissions: scored.map(({ fetched }) => fetched) });
  const candidates = scored.map(({ fetched }, i) => ({ adapter: fetched.adapter, factor: factors[i]! }));
  const on = (part: HoldOutPart): JudgeInput => ({ base: round.base, lora: round.lora, candidates, part });

  enter('accept');
  const { scales, thresholds, lastScale } = round;
  const [measured, acceptance] = await Promise.all([
    scoring.measureCandidates.executeWithOptions({ summary: `${candidates.length} alone` }, [on(round.parts.B)]),
    scoring.acceptCandidates.executeWithOptions({ summary: `${originals.length} candidates` }, [{ ...on(round.parts.A), among: originals, scales, thresholds, ...(lastScale !== undefined && { lastScale }) }]),
  ]);

  const { accepted, scale } = acceptance;
  enter('contribution');
  const memberSets = coalitions(accepted.length).map((members) => members.map((i) => accepted[i]!));
  const batches = Array.from({ length: Math.ceil(memberSets.length / COALITIONS_A_STEP) }, (_, i) => memberSets.slice(i * COALITIONS_A_STEP, (i + 1) * COALITIONS_A_STEP));
  const valued = accepted.length === 0 ? [] : await mapBounded(batches, STEPS_SIDE_BY_SIDE, (batch) => scoring.valueCoalitions.executeWithOptions({ summary: `${batch.length} coalitions` }, [{ ...on(round.parts.B), coalitions: batch, scale }]));

  enter('aggregate');
  const merge = accepted.length === 0 ? undefined : await scoring.mergeDama.executeWithOptions({ summary: `${accepted.length} adapters at ${scale}` }, [{ ...on(round.parts.C), members: accepted, scale, bucket: round.bucket }]);
  const merged: Measurements['merged'] = merge && { digest: merge.dama.digest, before: merge.before, after: merge.after, styles: merge.styles, next: decideNextDama(merge.before, merge.after, holdOutOf(round.parts.C, merge.styles), thresholds) };
  const report = settle(factsOf(round, measured.engine), {
    scored: scored.map(({ submission }) => committed(submission)),
    notScored: notScored({ outcomes, notEvaluated }),
    similarities,
    duplicates,
    factors,
    base: measured.base,
    alone: measured.alone,
    holdOutB: holdOutOf(round.parts.B, measured.styles),
    acceptance,
    coalitions: valued.flat(),
    merged,
  });
  return { report, dama: merge && merged?.next.publish ? merge.dama : round.base };
}

/** A round without anything to measure, or that ran out of time: everybody has a line, nobody a weight. */
export function settleWithout({ round, ...evaluated }: Evaluated, late?: string): Settled {
  const lines = notScored(evaluated, late);
  const report = settle(factsOf(round, 'none'), {
    scored: [],
    notScored: lines,
    similarities: [],
    duplicates: [],
    factors: [],
    base: [],
    alone: [],
    holdOutB: holdOutOf(round.parts.B, []),
    acceptance: { accepted: [], verdicts: [], scale: round.lastScale ?? round.scales[0]!, gain: 0, evaluations: 0 },
    coalitions: [],
    merged: undefined,
  });
  return { report, dama: round.base };
}

const committed = ({ hotkey, registeredAt, commitBlock, commitIndex }: Committed): Committed => ({ hotkey, registeredAt, commitBlock, commitIndex });
const holdOutOf = ({ floors, guards }: HoldOutPart, styles: readonly string[]): HoldOut => ({ styles, floors, guards });

function notScored({ outcomes, notEvaluated }: Omit<Evaluated, 'round'>, late?: string): Measurements['notScored'] {
  const lines = outcomes.flatMap((outcome): Measurements['notScored'] => {
    if (outcome.kind !== 'scored') return [{ ...committed(outcome.submission), verdict: outcome.kind, reason: outcome.reason }];
    return late === undefined ? [] : [{ ...committed(outcome.submission), verdict: 'unavailable', reason: late }];
  });
  return [...lines, ...notEvaluated];
}

function factsOf({ netuid, epoch, competition, snapshot, seeds, policy, base, parts }: RoundContext, engine: string): Parameters<typeof settle>[0] {
  return { netuid, epoch, competition, snapshot, seeds, policy, engine, baseDigest: base.digest, learned: Object.keys(parts.C.floors) };
}
