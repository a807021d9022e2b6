import { setTimeout as wait } from 'node:timers/promises';
import { StoreUnavailable } from '../errors.ts';

/** How long somebody goes on asking. */
export type Patience = {
  /** Failures in a row before giving up; one that comes after a MiB of progress is the first again. */
  readonly attempts: number;
  /** The wait after the first failure is drawn from 0 to this, the next from twice as much, up to `maxBackoffMs`. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** A request without progress for so long has failed. */
  readonly stallMs: number;
  /** Uniform in [0, 1): spreads out those who wait for the same server. */
  readonly jitter: () => number;
};

/** About ten seconds of waiting: a server that is started again is back by then, and a longer outage is for the caller to wait out. */
export const PATIENCE: Patience = { attempts: 6, backoffMs: 400, maxBackoffMs: 5000, stallMs: 30_000, jitter: Math.random };

/** A failure that another attempt may not meet. */
export class Passing extends Error {
  override readonly name = 'Passing';
}

const RENEWAL_BYTES = 2 ** 20;
const MAX_REASONS = 4;

export type RetryOptions = {
  /** What is tried, for the message: `get bucket/key at http://…`. */
  readonly what: string;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that all attempts together have moved. */
  readonly progress?: () => number;
};

/**
 * What the first attempt without a passing failure gives; any other error rises at once.
 * @throws {StoreUnavailable} saying what was tried, when patience is at its end
 */
export async function retried<T>({ what, patience, signal, progress = () => 0 }: RetryOptions, attempt: (isFirst: boolean) => Promise<T>): Promise<T> {
  const reasons = new Set<string>();
  let failures = 0;
  for (let mark = progress(), tries = 1; ; tries++) {
    signal?.throwIfAborted();
    try {
      return await attempt(tries === 1);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Passing)) throw error;
      if (progress() - mark >= RENEWAL_BYTES) failures = 0;
      mark = progress();
      reasons.add(error.message);
      if (++failures >= patience.attempts) throw new StoreUnavailable(`Expected to ${what}, got ${[...reasons].slice(-MAX_REASONS).join(', then ')}; tried ${tries} times`, { cause: error });
    }
    await pause(patience.jitter() * Math.min(patience.maxBackoffMs, patience.backoffMs * 2 ** (failures - 1)), signal);
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await wait(ms, undefined, { ...(signal && { signal }) }).catch(() => signal?.throwIfAborted());
}

/**
 * Runs a request under a signal of its own, which aborts with the caller's, and when there is no sign of life for `stallMs`.
 * @throws {Passing} when it stalled
 */
export async function watched<T>({ stallMs, signal }: { readonly stallMs: number; readonly signal?: AbortSignal | undefined }, request: (signal: AbortSignal, alive: () => void) => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(new Passing(`no progress for ${stallMs} ms`)), stallMs);
  const cancel = (): void => own.abort(signal!.reason);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await request(own.signal, () => void timer.refresh());
  } catch (error) {
    own.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}
