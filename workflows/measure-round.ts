import type { RoundPlan } from '../activities/round.ts';
import type { HoldOut } from '../genki/evaluation/held-out.ts';
import { settle, type Committed, type Measurements, type NotMeasured } from '../genki/evaluation/settle.ts';
import { coalitions } from '../genki/evaluation/shapley.ts';
import type { RoundReport } from '../genki/evaluation/round-report.ts';
import { decideNextDama } from '../genki/federation/next-dama.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import type { HoldOutPart, JudgeInput, Measured } from '../activities/model/judge.ts';
import { mapBounded } from './map-bounded.ts';
import type { Evaluated, RoundPhase } from './round-page.ts';
import { compute, scoring } from './steps.ts';

/** Of whom this round looked at; the others come into the report when it is published. */
export type Settled = { readonly report: RoundReport; /** the one to stand for */ readonly dama: Dama };

/** Coalitions a step: a few seconds of the small model, some minutes of the large one, done again at most once. */
const COALITIONS_A_STEP = 8;
/** Submissions a step, likewise; with each the base is measured again. */
const ALONE_A_STEP = 32;
/** Steps side by side: a second validator or miner shares the runners. */
const STEPS_SIDE_BY_SIDE = 2;

/** Across miners: similarity → acceptance → contribution → merge, and the report that follows from them. */
export async function measureRound(round: RoundPlan, evaluated: readonly Evaluated[], enter: (phase: RoundPhase) => void): Promise<Settled> {
  const scored = evaluated.flatMap(({ submission, outcome }) => (outcome.kind === 'scored' ? [{ submission, fetched: outcome.fetched }] : []));
  if (scored.length === 0) return settleWithout(round, evaluated);
  const { similarities, originals, duplicates, factors } = await compute.compareSubmissions.executeWithOptions({ summary: `${scored.length} submissions` }, [{ round, submissions: scored.map(({ fetched }) => fetched) }]);
  const candidates = scored.map(({ fetched }, i) => ({ adapter: fetched.adapter, factor: factors[i]! }));
  const on = (part: HoldOutPart, among: JudgeInput['candidates'] = candidates): JudgeInput => ({ base: round.base, lora: round.lora, candidates: among, part });

  enter('accept');
  const { scales, thresholds, lastScale } = round;
  const [measured, acceptance] = await Promise.all([
    inSteps(candidates, ALONE_A_STEP, (some) => scoring.measureCandidates.executeWithOptions({ summary: `${some.length} alone` }, [on(round.parts.B, some)])).then(joined),
    scoring.acceptCandidates.executeWithOptions({ summary: `${originals.length} candidates` }, [{ ...on(round.parts.A), among: originals, scales, thresholds, ...(lastScale !== undefined && { lastScale }) }]),
  ]);

  const { accepted, scale } = acceptance;
  const merging = accepted.map((index) => candidates[index]!);
  const everyone = merging.map((_, i) => i);
  enter('contribution');
  const valued = merging.length === 0 ? [] : await inSteps(coalitions(merging.length), COALITIONS_A_STEP, (some) => scoring.valueCoalitions.executeWithOptions({ summary: `${some.length} of ${2 ** merging.length} coalitions` }, [{ ...on(round.parts.B, merging), coalitions: some, scale }]));

  enter('aggregate');
  const merge = merging.length === 0 ? undefined : await scoring.mergeDama.executeWithOptions({ summary: `${merging.length} adapters at ${scale}` }, [{ ...on(round.parts.C, merging), members: everyone, scale, bucket: round.bucket }]);
  const merged: Measurements['merged'] = merge && { digest: merge.dama.digest, before: merge.before, after: merge.after, styles: merge.styles, next: decideNextDama(merge.before, merge.after, holdOutOf(round.parts.C, merge.styles), thresholds) };
  const report = settle(factsOf(round, measured.engine), {
    scored: scored.map(({ submission }) => committed(submission)),
    notScored: notScored(evaluated),
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

/** Results of a task for so many items at a time, in their order. */
async function inSteps<In, Out>(items: readonly In[], aStep: number, task: (some: readonly In[]) => Promise<Out>): Promise<Out[]> {
  const steps = Array.from({ length: Math.ceil(items.length / aStep) }, (_, i) => items.slice(i * aStep, (i + 1) * aStep));
  return await mapBounded(steps, STEPS_SIDE_BY_SIDE, task);
}

/** The base is the same in each. */
const joined = (steps: readonly Measured[]): Measured => ({ ...steps[0]!, alone: steps.flatMap(({ alone }) => alone) });

/** A round without anything to measure, or that could not be measured: everybody has a line, nobody a weight. */
export function settleWithout(round: RoundPlan, evaluated: readonly Evaluated[], why?: string): Settled {
  const lines = notScored(evaluated, why);
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

function notScored(evaluated: readonly Evaluated[], why?: string): NotMeasured[] {
  return evaluated.flatMap(({ submission, outcome }): NotMeasured[] => {
    if (outcome.kind !== 'scored') return [{ ...committed(submission), verdict: outcome.kind, reason: outcome.reason }];
    return why === undefined ? [] : [{ ...committed(submission), verdict: 'unavailable', reason: why }];
  });
}

function factsOf({ netuid, epoch, competition, snapshot, seeds, policy, base, parts }: RoundPlan, engine: string): Parameters<typeof settle>[0] {
  return { netuid, epoch, competition, snapshot, seeds, policy, engine, baseDigest: base.digest, learned: Object.keys(parts.C.floors) };
}
