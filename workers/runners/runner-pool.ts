import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CancelledFailure } from '@temporalio/activity';
import { RunnerCrashed } from '../../genki/errors.ts';
import type { JobKind, Jobs } from '../../activities/model/jobs.ts';
import { Places } from './places.ts';
import type { FromRunner, RunnerOptions, ToRunner } from './messages.ts';

/** Asked to stop, a runner gets this long to write its checkpoint; the longest step of the largest model is a few seconds. */
const STOP_MS = 20_000;

export type RunOptions = {
  /** Called at each sign of progress. */
  readonly onProgress?: (details: unknown) => void;
  /** Aborting asks the runner to keep what it has and stop. */
  readonly signal: AbortSignal;
  /** Without progress for this long the runner counts as hung and is killed. */
  readonly stallMs: number;
};

/** A job failed with one of Genki's own errors. */
export class JobFailed extends Error {
  override readonly name: string;
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Runner processes, one job each at a time; a dead one is replaced when it is next needed. */
export class RunnerPool {
  readonly #options: RunnerOptions;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  readonly #places: Places;
  #closed = false;

  /** @param most runners at a time, where nobody else limits how many jobs there are at once; others wait for their turn */
  constructor(options: RunnerOptions, most = Infinity) {
    this.#options = options;
    this.#places = new Places(most);
  }

  /**
   * The job's result.
   * @throws {JobFailed} what the job raised
   * @throws {RunnerCrashed} when the process died or hung; another attempt may succeed
   * @throws {CancelledFailure} once the runner has stopped on request
   */
  run<K extends JobKind>(kind: K, input: Jobs[K]['input'], options: RunOptions): Promise<Jobs[K]['output']> {
    return this.#places.take(options.signal, () => this.#run(kind, input, options));
  }

  async #run<K extends JobKind>(kind: K, input: Jobs[K]['input'], { onProgress, signal, stallMs }: RunOptions): Promise<Jobs[K]['output']> {
    if (this.#closed) throw new RunnerCrashed('Expected a running pool, got a closed one');
    const child = this.#idle.pop() ?? this.#spawn();
    return await new Promise<Jobs[K]['output']>((resolve, reject) => {
      let stall = setTimeout(hung, stallMs);
      let kill: NodeJS.Timeout | undefined;
      const finish = (settle: () => void, reusable: boolean): void => {
        clearTimeout(stall);
        clearTimeout(kill);
        signal.removeEventListener('abort', stop);
        child.off('message', heard).off('exit', died).off('error', died);
        if (reusable && !this.#closed) this.#idle.push(child);
        settle();
      };
      function hung(): void {
        child.kill('SIGKILL');
        finish(() => reject(new RunnerCrashed(`Expected progress of ${kind} within ${stallMs} ms, got none: the runner was killed`)), false);
      }
      const died = (cause: unknown): void => {
        this.#all.delete(child);
        finish(() => reject(signal.aborted ? new CancelledFailure('CANCELLED') : new RunnerCrashed(`The runner of ${kind} died (${String(cause)})`)), false);
      };
      const stop = (): void => {
        child.send({ type: 'stop' } satisfies ToRunner);
        kill ??= setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      };
      const heard = (message: FromRunner): void => {
        clearTimeout(stall);
        stall = setTimeout(hung, stallMs);
        if (message.type === 'progress') onProgress?.(message.details);
        else if (message.type === 'result') finish(() => resolve(message.value as Jobs[K]['output']), true);
        else if (message.type === 'stopped') finish(() => reject(new CancelledFailure('CANCELLED')), true);
        else if (message.type === 'failed') finish(() => reject(new JobFailed(message.name, message.message)), true);
      };
      child.on('message', heard).on('exit', died).on('error', died);
      child.send({ type: 'job', kind, input } as ToRunner, (error) => error && died(error));
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop);
    });
  }

  /** Process ids, for whoever wants to watch or kill one. */
  get pids(): number[] {
    return [...this.#all].flatMap((child) => child.pid ?? []);
  }

  /** Ends all runners and waits until they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#all].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await gone.finally(() => clearTimeout(force));
      }),
    );
  }

  #spawn(): ChildProcess {
    const child = fork(fileURLToPath(new URL('./runner.ts', import.meta.url)), [JSON.stringify(this.#options)], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      serialization: 'advanced',
      // a signal to the whole group would end it before its worker could ask it for a checkpoint
      detached: true,
    });
    this.#all.add(child);
    child.once('exit', () => {
      this.#all.delete(child);
      const at = this.#idle.indexOf(child);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return child;
  }
}
