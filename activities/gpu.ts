import { Context, heartbeat } from '@temporalio/activity';
import type { Jobs, JobKind } from './model/jobs.ts';
import type { TrainProgress } from './model/train.ts';

/** Runs jobs in processes that hold the tensors; `workers/gpu/runner-pool.ts` is one. */
export interface Runners {
  run<K extends JobKind>(kind: K, input: Jobs[K]['input'], options: { onProgress?: (details: unknown) => void; signal: AbortSignal; stallMs: number }): Promise<Jobs[K]['output']>;
}

export type GpuDeps = { readonly runners: Runners };
export type GpuActivities = ReturnType<typeof createGpuActivities>;

/** The first sign of life includes loading a model and opening a session; then the slowest step of the largest model takes seconds. */
const STALL_MS = 120_000;
/** A beat at least this often while there is progress, so that the newest checkpoint is known when the worker dies. */
const BEAT_MS = 2_000;

export const createGpuActivities = ({ runners }: GpuDeps) => ({
  /** Trains an adapter; an attempt goes on from the checkpoint that the last one reported. */
  trainAdapter: (input: Jobs['train']['input']) => {
    const last = Context.current().info.heartbeatDetails as TrainProgress | undefined;
    return run(runners, 'train', { ...input, ...(last && { resume: last }) }, last);
  },
  generateClips: (input: Jobs['generate']['input']) => run(runners, 'generate', input),
  measureCandidates: (input: Jobs['measure']['input']) => run(runners, 'measure', input),
  acceptCandidates: (input: Jobs['accept']['input']) => run(runners, 'accept', input),
  valueCoalitions: (input: Jobs['value']['input']) => run(runners, 'value', input),
  mergeDama: (input: Jobs['merge']['input']) => run(runners, 'merge', input),
});

/** Beats with the newest progress for as long as the runner makes any; the pool ends one that makes none. */
async function run<K extends JobKind>(runners: Runners, kind: K, input: Jobs[K]['input'], resumedFrom?: unknown): Promise<Jobs[K]['output']> {
  let newest: unknown = resumedFrom;
  heartbeat(newest);
  const beat = setInterval(() => heartbeat(newest), BEAT_MS);
  const onProgress = (details: unknown): void => {
    newest = details;
    heartbeat(newest);
  };
  try {
    return await runners.run(kind, input, { onProgress, signal: Context.current().cancellationSignal, stallMs: STALL_MS });
  } finally {
    heartbeat(newest);
    clearInterval(beat);
  }
}
