import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';

/** What comes of a task by a time; undefined when it is cut off by then. `summary` is what its timer is called in the Web UI. */
export async function beforeDeadline<T>({ deadline, summary }: { readonly deadline: number; readonly summary: string }, task: () => Promise<T>): Promise<T | undefined> {
  const outer = CancellationScope.current();
  try {
    return await CancellationScope.cancellable(async () => {
      const scope = CancellationScope.current();
      sleep(Math.max(1, deadline - Date.now()), { summary }).then(() => scope.cancel(), () => undefined);
      try {
        return await task();
      } finally {
        scope.cancel();
      }
    });
  } catch (error) {
    if (isCancellation(error) && !outer.consideredCancelled) return undefined;
    throw error;
  }
}
