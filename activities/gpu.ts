import { Context } from '@temporalio/activity';
import type { Jobs } from './model/jobs.ts';
import type { PretrainProgress } from './model/pretrain.ts';
import type { TrainProgress } from './model/train.ts';
import { runJob, type Runners } from './run-job.ts';

export type GpuDeps = { readonly runners: Runners };
export type GpuActivities = ReturnType<typeof createGpuActivities>;

export const createGpuActivities = ({ runners }: GpuDeps) => ({
  /** Trains an adapter; an attempt goes on from the checkpoint that the last one reported. */
  trainAdapter: (input: Jobs['train']['input']) => {
    const last = Context.current().info.heartbeatDetails as TrainProgress | undefined;
    return runJob(runners, 'train', { ...input, ...(last && { resume: last }) }, last);
  },
  /** Trains all weights for a window; an attempt goes on from the checkpoint that the last one reported. */
  trainDelta: (input: Jobs['trainDelta']['input']) => {
    const last = Context.current().info.heartbeatDetails as TrainProgress | undefined;
    return runJob(runners, 'trainDelta', { ...input, ...(last && { resume: last }) }, last);
  },
  advance: (input: Jobs['advance']['input']) => runJob(runners, 'advance', input),
  closeUpdates: (input: Jobs['closeWindow']['input']) => runJob(runners, 'closeWindow', input),
  scoreUpdates: (input: Jobs['scoreWindow']['input']) => runJob(runners, 'scoreWindow', input),
  generateClips: (input: Jobs['generate']['input']) => runJob(runners, 'generate', input),
  measureCandidates: (input: Jobs['measure']['input']) => runJob(runners, 'measure', input),
  acceptCandidates: (input: Jobs['accept']['input']) => runJob(runners, 'accept', input),
  valueCoalitions: (input: Jobs['value']['input']) => runJob(runners, 'value', input),
  estimateContributions: (input: Jobs['estimate']['input']) => runJob(runners, 'estimate', input),
  measureAgreement: (input: Jobs['agree']['input']) => runJob(runners, 'agree', input),
  /** Trains a base further until its time is over; an attempt goes on from the checkpoint that the last one reported. */
  pretrain: (input: Jobs['pretrain']['input']) => {
    const last = Context.current().info.heartbeatDetails as PretrainProgress | undefined;
    return runJob(runners, 'pretrain', { ...input, ...(last && { resume: last }) }, last);
  },
  mergeBase: (input: Jobs['mergeBase']['input']) => runJob(runners, 'mergeBase', input),
  mergeDama: (input: Jobs['merge']['input']) => runJob(runners, 'merge', input),
});
