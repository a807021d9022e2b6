import { ApplicationFailure, Context, heartbeat } from '@temporalio/activity';
import type { JobKind, Jobs } from './model/jobs.ts';

/** Runs jobs in processes that hold the tensors; `workers/runners/runner-pool.ts` is one. */
export interface Runners {
  run<K extends JobKind>(kind: K, input: Jobs[K]['input'], options: { onProgress?: (details: unknown) => void; signal: AbortSignal; stallMs: number }): Promise<Jobs[K]['output']>;
}

/** The first sign of life includes loading a model and opening a session; then the slowest step of the largest model takes seconds. */
const STALL_MS = 120_000;
/** A beat at least this often while there is progress, so that the newest checkpoint is known when the worker dies. */
const BEAT_MS = 2_000;

/** Beats with the newest progress for as long as the runner makes any; the pool ends one that makes none. */
export async function runJob<K extends JobKind>(runners: Runners, kind: K, input: Jobs[K]['input'], resumedFrom?: unknown): Promise<Jobs[K]['output']> {
  let newest: unknown = resumedFrom;
  heartbeat(newest);
  const beat = setInterval(() => heartbeat(newest), BEAT_MS);
  const onProgress = (details: unknown): void => {
    newest = details;
    heartbeat(newest);
  };
  try {
    return await runners.run(kind, input, { onProgress, signal: Context.current().cancellationSignal, stallMs: STALL_MS });
  } catch (error) {
    throw named(error);
  } finally {
    heartbeat(newest);
    clearInterval(beat);
  }
}

/** An error from another process by the name that it had there, which is what a workflow decides by; Temporal would name it by its class. */
function named(error: unknown): unknown {
  if (!(error instanceof Error) || error.name === error.constructor.name || error instanceof ApplicationFailure || error.name === 'CancelledFailure') return error;
  return ApplicationFailure.create({ message: error.message, type: error.name, cause: error });
}
