import type { RoundContext, RoundPlan } from '../activities/round.ts';
import type { OutputActivities } from '../activities/outputs.ts';
import type { AnchorsJob, HeardClips } from '../activities/model/hear.ts';
import type { AgreeJob } from '../activities/model/agree.ts';
import type { EstimateJob } from '../activities/model/estimate.ts';
import type { AcceptJob, HoldOutPart, JudgeInput, Measured, MeasureJob, MergeJob, ValueJob } from '../activities/model/judge.ts';
import type { SettleActivities } from '../activities/settle.ts';
import type { SubmissionActivities } from '../activities/submission.ts';
import type { Acceptance } from '../genki/evaluation/acceptance.ts';
import { lossByStyle, type HoldOut } from '../genki/evaluation/held-out.ts';
import { relativeGain } from '../genki/evaluation/relative-gain.ts';
import type { Committed, Measurements, NotMeasured, RoundFacts } from '../genki/evaluation/settle.ts';
import { coalitions, MAX_PLAYERS } from '../genki/evaluation/shapley.ts';
import type { CoalitionValues, RoundReport } from '../genki/evaluation/round-report.ts';
import { decideNextDama } from '../genki/federation/next-dama.ts';
import type { Dama } from '../genki/protocol/dama.ts';
import { mapBounded } from '../genki/map-bounded.ts';
import type { Evaluated, RoundPhase } from './round-page.ts';

/** Of whom this round looked at; the others come into the report when it is published. */
export type Settled = { readonly report: RoundReport; /** the one to stand for */ readonly dama: Dama; /** what a person should know of it beside */ readonly note?: string };

type Activity = (input: never) => Promise<unknown>;
/** One step, with a line on what it is about. */
type Step<A extends Activity> = (summary: string, input: Parameters<A>[0]) => ReturnType<A>;
type Model<J extends { input: unknown; output: unknown }> = (summary: string, input: J['input']) => Promise<J['output']>;

/** What measuring asks for: activities in a workflow, plain functions for who has everything in one process. */
export type MeasuringSteps = {
  readonly compareSubmissions: Step<SubmissionActivities['compareSubmissions']>;
  readonly measureAnchors: Model<AnchorsJob>;
  /** What the Dama plays for the round's prompts, and what is heard of it. */
  readonly hearDama: Step<(round: RoundContext) => Promise<HeardClips>>;
  readonly measureCandidates: Model<MeasureJob>;
  readonly acceptCandidates: Model<AcceptJob>;
  readonly valueCoalitions: Model<ValueJob>;
  readonly estimateContributions: Model<EstimateJob>;
  readonly measureAgreement: Model<AgreeJob>;
  readonly mergeDama: Model<MergeJob>;
  readonly compareOutputs: Step<OutputActivities['compareOutputs']>;
  readonly settleRound: Step<SettleActivities['settleRound']>;
};

/** Coalitions a step: a few seconds of the small model, some minutes of the large one, done again at most once. */
const COALITIONS_A_STEP = 8;
/** Submissions a step, likewise; with each the base is measured again. */
const ALONE_A_STEP = 32;
/** Steps side by side: a second validator or miner shares the runners. */
const STEPS_SIDE_BY_SIDE = 2;

/** Across miners: similarity → acceptance → contribution → merge, and the report that follows from them. */
export async function measureRound(round: RoundPlan, evaluated: readonly Evaluated[], { steps, enter }: { steps: MeasuringSteps; enter: (phase: RoundPhase) => void }): Promise<Settled> {
  const scored = evaluated.flatMap(({ submission, outcome }) => (outcome.kind === 'scored' ? [{ submission, ...outcome }] : []));
  if (scored.length === 0) {
    // the ledger goes on, in this validator's bucket too, when nothing is added to it
    const { ledger, note } = await steps.compareSubmissions('nobody, for the ledger', { round, submissions: [] });
    return { ...(await settleWithout(round, evaluated, { steps, ledger })), ...(note !== undefined && { note }) };
  }
  const anchors = round.listening && (await steps.measureAnchors('noise, and the data\'s own music', round.listening));
  const heard = scored.flatMap(({ heard: one }) => (one ? [one] : []));
  const own = anchors && (await steps.hearDama('the Dama itself', round));
  const outputs = anchors && own && { heard: heard.map((one) => one.heard), base: own.heard, alike: anchors.alike };
  const compared = await steps.compareSubmissions(`${scored.length} submissions`, { round, submissions: scored.map(({ submission: { hotkey, commitBlock, commitIndex }, fetched }) => ({ hotkey, commitBlock, commitIndex, ...fetched })), ...(outputs && { outputs }) });
  const candidates = scored.map(({ fetched: { adapter } }) => ({ adapter, factor: 1 }));
  const on = (part: HoldOutPart, among: JudgeInput['candidates'] = candidates): JudgeInput => ({ base: round.base, lora: round.lora, candidates: among, part, memo: { bucket: round.privateBucket } });

  enter('accept');
  const { scales, thresholds, lastScale } = round;
  const [measured, acceptance, agreements] = await Promise.all([
    inSteps(candidates, ALONE_A_STEP, (some) => steps.measureCandidates(`${some.length} alone`, on(round.parts.B, some))).then(joined),
    steps.acceptCandidates(`${compared.originals.length} candidates`, { ...on(round.parts.A), among: compared.originals, gram: compared.gram, scales, thresholds, ...(lastScale !== undefined && { lastScale }) }),
    round.policy.name === 'gradient-agreement' ? steps.measureAgreement(`${candidates.length} updates`, on(round.parts.A)) : undefined,
  ]);
  const { accepted, scale } = acceptance;
  const merging = mergingOf(candidates, acceptance);

  enter('contribution');
  const [values, apart] = await Promise.all([
    valuesOf(round, steps, { input: on(round.parts.B, merging), scale, holdOut: holdOutOf(round.parts.B, measured.styles) }),
    anchors && steps.compareOutputs(`${heard.length} miners`, { heard: heard.map((one) => one.heard), accepted }),
  ]);

  enter('aggregate');
  const merge = merging.length === 0 ? undefined : await steps.mergeDama(`${merging.length} adapters at ${scale}`, { ...on(round.parts.C, merging), members: merging.map((_, i) => i), scale, bucket: round.bucket });
  const merged: Measurements['merged'] = merge && { digest: merge.dama.digest, before: merge.before, after: merge.after, styles: merge.styles, next: decideNextDama(merge.before, merge.after, holdOutOf(round.parts.C, merge.styles), thresholds) };
  const report = await steps.settleRound(`${scored.length} scored`, {
    facts: factsOf(round, measured.engine),
    measured: {
      scored: scored.map(({ submission, fetched: { adapter, digest } }) => ({ ...committed(submission), update: { sha256: adapter.sha256, bytes: adapter.bytes, digest } })),
      notScored: notScored(evaluated),
      compared,
      base: measured.base,
      alone: measured.alone.map((losses) => lossByStyle(losses, measured.styles)),
      holdOutB: holdOutOf(round.parts.B, measured.styles),
      acceptance,
      coalitions: values,
      agreements,
      heard: anchors && apart && { anchors, clips: round.prompts.length, quality: heard.map(({ quality }) => quality), ...apart },
      merged,
    },
  });
  return { report, dama: merge && merged?.next.publish ? merge.dama : round.base, ...(compared.note !== undefined && { note: compared.note }) };
}

/** The accepted as they are merged: all of one length, and without what each has of those before it. */
function mergingOf(candidates: JudgeInput['candidates'], { accepted, factors, residuals }: Acceptance): JudgeInput['candidates'] {
  return accepted.map((index) => {
    const residual = residuals[index]!.map((part) => ({ ...part, index: accepted.indexOf(part.index) }));
    return { ...candidates[index]!, factor: factors[index]!, ...(residual.length > 0 && { residual }) };
  });
}

/** What the merges of the accepted are worth: of all of them where they are few, else of as many as a good estimate needs. */
async function valuesOf({ shapley, seeds }: RoundPlan, steps: MeasuringSteps, { input, scale, holdOut }: { input: JudgeInput; scale: number; holdOut: HoldOut }): Promise<CoalitionValues> {
  const players = input.candidates.length;
  if (players > MAX_PLAYERS) {
    const seed = seeds.shapley!;
    return { kind: 'estimated', ...shapley, seed, ...(await steps.estimateContributions(`${players} accepted`, { ...input, ...shapley, scale, seed })) };
  }
  const losses = players === 0 ? [] : await inSteps(coalitions(players), COALITIONS_A_STEP, (some) => steps.valueCoalitions(`${some.length} of ${2 ** players} coalitions`, { ...input, coalitions: some, scale }));
  const base = losses[0]?.[0]; // of nobody
  return { kind: 'exact', values: base ? losses.flat().map((one) => relativeGain(base, one, holdOut)) : [] };
}

/** Results of a task for so many items at a time, in their order. */
async function inSteps<In, Out>(items: readonly In[], aStep: number, task: (some: readonly In[]) => Promise<Out>): Promise<Out[]> {
  const steps = Array.from({ length: Math.ceil(items.length / aStep) }, (_, i) => items.slice(i * aStep, (i + 1) * aStep));
  return await mapBounded(steps, STEPS_SIDE_BY_SIDE, task);
}

/** The base is the same in each. */
const joined = (steps: readonly Measured[]): Measured => ({ ...steps[0]!, alone: steps.flatMap(({ alone }) => alone) });

/** A round without anything to measure, or that could not be measured: everybody has a line, nobody a weight. */
export async function settleWithout(round: RoundPlan, evaluated: readonly Evaluated[], { steps, ledger = round.past.ledger, why }: { steps: Pick<MeasuringSteps, 'settleRound'>; ledger?: RoundReport['ledger']; why?: string }): Promise<Settled> {
  const report = await steps.settleRound('nothing was measured', {
    facts: factsOf(round, 'none'),
    measured: {
      scored: [],
      notScored: notScored(evaluated, why),
      compared: { similarities: [], duplicates: [], ledger },
      base: [],
      alone: [],
      holdOutB: holdOutOf(round.parts.B, []),
      acceptance: { accepted: [], verdicts: [], factors: [], residuals: [], overlaps: [], scale: round.lastScale ?? round.scales[0]!, gain: 0, evaluations: 0 },
      coalitions: { kind: 'exact', values: [] },
      agreements: undefined,
      heard: undefined,
      merged: undefined,
    },
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

function factsOf({ netuid, epoch, competition, snapshot, seeds, policy, overTime, past, lastScale, base, parts }: RoundPlan, engine: string): RoundFacts {
  return { netuid, epoch, competition, snapshot, seeds, policy, overTime, past, lastScale: lastScale ?? null, engine, base, floors: parts.B.floors };
}
