import { Context } from '@temporalio/activity';
import type { Jobs } from './model/jobs.ts';
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
  generateClips: (input: Jobs['generate']['input']) => runJob(runners, 'generate', input),
  measureCandidates: (input: Jobs['measure']['input']) => runJob(runners, 'measure', input),
  acceptCandidates: (input: Jobs['accept']['input']) => runJob(runners, 'accept', input),
  valueCoalitions: (input: Jobs['value']['input']) => runJob(runners, 'value', input),
  estimateContributions: (input: Jobs['estimate']['input']) => runJob(runners, 'estimate', input),
  measureAgreement: (input: Jobs['agree']['input']) => runJob(runners, 'agree', input),
  mergeDama: (input: Jobs['merge']['input']) => runJob(runners, 'merge', input),
});
