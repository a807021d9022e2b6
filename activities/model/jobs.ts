import { advanceJob, type AdvanceJob } from './advance.ts';
import { agreeJob, type AgreeJob } from './agree.ts';
import { closeWindowJob, type CloseWindowJob } from './close-window.ts';
import { estimateJob, type EstimateJob } from './estimate.ts';
import { acceptJob, measureJob, mergeJob, valueJob, type AcceptJob, type MeasureJob, type MergeJob, type ValueJob } from './judge.ts';
import { generateJob, type GenerateJob } from './generate.ts';
import { anchorsJob, hearJob, type AnchorsJob, type HearJob } from './hear.ts';
import type { Control, JobDeps, Loading } from './job.ts';
import { mergeBaseJob, type MergeBaseJob } from './merge-base.ts';
import { ModelCache } from './model-cache.ts';
import { scoreWindowJob, type ScoreWindowJob } from './score-window.ts';
import { trainDeltaJob, type TrainDeltaJob } from './train-delta.ts';
import { pretrainJob, type PretrainJob } from './pretrain.ts';
import { trainJob, type TrainJob } from './train.ts';

/** What a runner can be asked for. */
export type Jobs = {
  readonly train: TrainJob;
  readonly trainDelta: TrainDeltaJob;
  readonly advance: AdvanceJob;
  readonly closeWindow: CloseWindowJob;
  readonly scoreWindow: ScoreWindowJob;
  readonly generate: GenerateJob;
  readonly measure: MeasureJob;
  readonly accept: AcceptJob;
  readonly value: ValueJob;
  readonly estimate: EstimateJob;
  readonly merge: MergeJob;
  readonly hear: HearJob;
  readonly anchors: AnchorsJob;
  readonly agree: AgreeJob;
  readonly pretrain: PretrainJob;
  readonly mergeBase: MergeBaseJob;
};
export type JobKind = keyof Jobs;

/** The jobs over one engine and store; models stay loaded between them. */
export function createJobs({ engine, store, ...loading }: Omit<JobDeps, 'cache'> & Loading): { readonly [K in JobKind]: (input: Jobs[K]['input'], control: Control) => Promise<Jobs[K]['output'] | undefined> } {
  const deps = { engine, store, cache: new ModelCache(engine, store, loading) };
  return { train: trainJob(deps), trainDelta: trainDeltaJob(deps), advance: advanceJob(deps), closeWindow: closeWindowJob(deps), scoreWindow: scoreWindowJob(deps), generate: generateJob(deps), measure: measureJob(deps), accept: acceptJob(deps), value: valueJob(deps), estimate: estimateJob(deps), merge: mergeJob(deps), hear: hearJob(deps), anchors: anchorsJob(deps), agree: agreeJob(deps), pretrain: pretrainJob(deps), mergeBase: mergeBaseJob(deps) };
}
