import { setTimeout as wait } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';

const RETRY_MS = 500;

/** A task's result, tried again while what it talks to is being killed; a workflow that failed has failed. */
export async function patiently<T>(what: string, patienceMs: number, task: () => Promise<T>): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (error instanceof WorkflowFailedError) throw new Error(`${what} failed: ${rootOf(error)}`, { cause: error });
      if (performance.now() > end) throw new Error(`Expected ${what} within ${patienceMs / 1000} s: ${rootOf(error)}`, { cause: error });
      await wait(RETRY_MS);
    }
  }
}

const rootOf = (error: unknown): string => (error instanceof Error ? (error.cause instanceof Error ? rootOf(error.cause) : error.message) : String(error));
