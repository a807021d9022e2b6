import { createListenActivities } from '../../activities/listen.ts';
import type { HeardClips } from '../../activities/model/hear.ts';
import type { Job } from '../../activities/model/job.ts';
import type { JudgeInput, Measured } from '../../activities/model/judge.ts';
import { createOutputActivities } from '../../activities/outputs.ts';
import type { RoundPlan, Submission } from '../../activities/round.ts';
import { createSubmissionActivities, type Fetched } from '../../activities/submission.ts';
import type { Chain } from '../../genki/chain/chain.ts';
import { heldOut } from '../../genki/data/held-out.ts';
import { isFault } from '../../genki/errors.ts';
import { gradientAgreement } from '../../genki/evaluation/agreement.ts';
import { settle, type Measurements, type RoundFacts } from '../../genki/evaluation/settle.ts';
import { adapterDelta } from '../../genki/federation/merge.ts';
import { decodeAdapter } from '../../genki/music/lora.ts';
import { gradientOf } from '../../genki/music/gradient.ts';
import type { Outcome } from '../../workflows/evaluate-submission.ts';
import { asPlayed } from '../../workflows/clips.ts';
import { measureRound, type MeasuringSteps, type Settled } from '../../workflows/measure-round.ts';
import type { Evaluated } from '../../workflows/round-page.ts';
import type { Epoch, Stage } from './stage.ts';
import type { Street } from './street.ts';

/** A round in this process, with all that was measured: by any policy it can be settled anew. */
export type Played = Settled & { readonly facts: RoundFacts; readonly measured: Measurements; readonly evaluated: readonly Evaluated[] };

/** A validator's round over who has committed on the street: the activities and `measureRound` of the workflow, called as plain functions. */
export async function playRound(stage: Stage, epoch: Epoch, { street, name }: { readonly street: Street; readonly name: string }): Promise<Played> {
  const { chain, snapshot, submissions } = street;
  const { compareSubmissions } = createSubmissionActivities({ ...stage, chain });
  const plan: RoundPlan = { ...epoch.plan, snapshot, prefix: `${epoch.plan.prefix}/${name}` };
  const evaluated: Evaluated[] = [];
  for (const submission of submissions) evaluated.push({ submission, outcome: await evaluateSubmission(stage, epoch, { submission, chain }) });
  let settledFrom: { facts: RoundFacts; measured: Measurements } | undefined;
  const steps: MeasuringSteps = {
    ...modelSteps(stage, epoch),
    compareSubmissions: (_, input) => compareSubmissions(input),
    settleRound: async (_, input) => {
      settledFrom = input;
      return settle(input.facts, input.measured);
    },
  };
  const settled = await measureRound(plan, evaluated, { steps, enter: () => undefined });
  return { ...settled, ...settledFrom!, evaluated };
}

/** As the workflow of this name. */
export async function evaluateSubmission(stage: Stage, epoch: Epoch, { submission, chain }: { readonly submission: Submission; readonly chain: Chain }): Promise<Outcome> {
  try {
    const fetched = await createSubmissionActivities({ ...stage, chain }).fetchSubmission({ round: epoch.plan, submission });
    const { fault, heard } = await hearAdapter(stage, epoch, fetched);
    return fault === undefined ? { kind: 'scored', fetched, ...(heard && { heard }) } : { kind: 'rejected', reason: fault };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { kind: isFault(error.name) ? 'rejected' : 'unavailable', reason: error.message };
  }
}

/** What an adapter plays, kept under its digest: whoever hands it in, it is the same. Without one: what the Dama plays. */
function hearAdapter({ jobs, once, store }: Stage, { plan }: Epoch, fetched?: Fetched): Promise<{ fault?: string; heard?: HeardClips }> {
  const { prompts, generation, frames, frameRate, base: dama, bucket, privateBucket, listening } = plan;
  const prefix = `${plan.prefix}/clips/${fetched?.adapter.sha256 ?? 'before'}`;
  return once.do('hear', [dama.digest, plan.epoch, fetched?.adapter.sha256], async () => {
    const codes = await run(jobs.generate, { ...generation, frames, prompts, dama, ...(fetched && { adapter: asPlayed(fetched, plan) }), bucket, key: `${prefix}/codes.safetensors` });
    const { clips, fault } = await createListenActivities({ store }).listen({ codes, bucket, prefix, frameRate });
    if ((fault !== undefined && fetched) || !listening) return { ...(fault !== undefined && { fault }) };
    const { embedder, seed } = listening;
    return { heard: await run(jobs.hear, { embedder, seed, clips, prompts, bucket: privateBucket, key: `${prefix}/heard.safetensors` }) };
  });
}

function modelSteps(stage: Stage, epoch: Epoch): Omit<MeasuringSteps, 'compareSubmissions' | 'settleRound'> {
  const { jobs, once, store } = stage;
  const { compareOutputs } = createOutputActivities({ store });
  return {
    measureAnchors: (_, input) => once.do('anchors', input, () => run(jobs.anchors, input)),
    measureCandidates: (_, input) => measureEach(stage, input),
    hearDama: async () => (await hearAdapter(stage, epoch)).heard!,
    acceptCandidates: (_, input) => run(jobs.accept, input),
    valueCoalitions: (_, input) => run(jobs.value, input),
    estimateContributions: (_, input) => run(jobs.estimate, input),
    mergeDama: (_, input) => once.do('merge', input, () => run(jobs.merge, input)),
    measureAgreement: (_, input) => agreements(stage, epoch, input),
    compareOutputs: (_, input) => once.do('outputs', input, () => compareOutputs(input)),
  };
}

/** As the job, each candidate once in all scenarios. */
async function measureEach({ jobs, once }: Stage, { candidates, ...on }: JudgeInput): Promise<Measured> {
  const alone: Measured[] = [];
  for (const candidate of candidates) alone.push(await once.do('measure', [on, candidate], () => run(jobs.measure, { ...on, candidates: [candidate] })));
  return { ...alone[0]!, alone: alone.flatMap((one) => one.alone) };
}

/** As the job, with one gradient for all scenarios. */
async function agreements({ engine, once, store }: Stage, { workshop: { music, base }, plan }: Epoch, { candidates, part, lora }: JudgeInput): Promise<number[]> {
  const gradient = await once.do('gradient', [plan.base.digest, part], () => {
    const clips = heldOut(part).filter(({ style }) => Object.hasOwn(part.floors, style));
    return gradientOf(engine, music, { weights: base, clips });
  });
  const found: number[] = [];
  for (const { adapter } of candidates) {
    found.push(await once.do('agreement', [plan.base.digest, adapter.sha256], async () => {
      const file = await store.get(adapter, { maxBytes: adapter.bytes });
      return gradientAgreement(adapterDelta(decodeAdapter(file, { music, lora })), gradient);
    }));
  }
  return found;
}

/** A job from here on is never asked to stop. */
async function run<In, Out>(job: (input: In, control: Parameters<ReturnType<Job<{ input: In; output: Out }>>>[1]) => Promise<Out | undefined>, input: In): Promise<Out> {
  return (await job(input, { progress: async () => true }))!;
}
