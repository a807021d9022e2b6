/** Lets those who want the same thing have it one after the other. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** What `work` gives, once everybody who asked for this name before is done. */
  async take<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const mine = (before ?? Promise.resolve()).then(() => {
      signal?.throwIfAborted();
      return work();
    });
    const settled = mine.catch(() => undefined);
    this.#last.set(name, settled);
    void settled.then(() => this.#last.get(name) === settled && this.#last.delete(name));
    return await (signal ? orAborted(mine, signal) : mine);
  }
}

/** The promise, or the signal's reason as soon as it aborts. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let cancel = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    cancel = () => reject(signal.reason as Error);
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  });
  return await Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', cancel));
}
