import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { rotatingLog } from './rotating-log.ts';

export type Service = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** What it prints goes here. */
  readonly logFile: string;
  /** Up when this resolves, which is waited for until the signal aborts; or, over an IPC channel, with the first message. */
  readonly ready: 'message' | ((signal: AbortSignal) => Promise<void>);
  readonly readyMs: number;
  /** Asked to end, it gets this long. */
  readonly stopMs: number;
  /** Longest wait before it is started again; 10 s unless told. */
  readonly maxBackoffMs?: number;
  /** Told of each process, of those that are started again, too. */
  readonly started?: (pid: number) => void;
};

/** Of what a process that ends at once has said, for whoever started it. */
const LAST_WORDS = 1200;
const MAX_BACKOFF_MS = 10_000;
/** Having run for so long, the next death is a new story. */
const CALM_MS = 60_000;

/** A process that is started again when it dies, until it is stopped. */
export class Supervised {
  readonly #service: Service;
  #child: ChildProcess | undefined;
  #stopping = false;
  #deaths = 0;

  constructor(service: Service) {
    this.#service = service;
  }

  get name(): string {
    return this.#service.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws {Error} with where its log is, when it does not come up in time */
  async start(): Promise<void> {
    const { name, command, args, env, logFile, ready, readyMs, started } = this.#service;
    const log = rotatingLog(logFile);
    const note = (text: string): unknown => log.write(`${new Date().toISOString()} [${name}] ${text}\n`);
    const isForked = ready === 'message';
    // a group of its own, so that Ctrl-C reaches only whoever stops the services in order
    const child = spawn(command, args, { env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe', ...(isForked ? (['ipc'] as const) : [])] });
    this.#child = child;
    if (child.pid !== undefined) {
      note(`started, pid ${child.pid}`);
      started?.(child.pid);
    }
    child.once('close', (code, signal) => note(`ended (${signal ?? code})`));
    child.stdout!.pipe(log, { end: false });
    child.stderr!.pipe(log, { end: false });
    let lastWords = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS);
    });
    const died = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`${name} ended (${signal ?? code}); see ${logFile}\n${lastWords}`.trimEnd())));
    });
    const late = new AbortController();
    const isUp = isForked ? new Promise<void>((resolve) => child.once('message', () => resolve())) : ready(late.signal);
    const timeout = wait(readyMs, undefined, { signal: late.signal }).then(() => { throw new Error(`${name} did not come up within ${readyMs / 1000} s; see ${logFile}`); });
    timeout.catch(() => undefined);
    isUp.catch(() => undefined);
    try {
      await Promise.race([isUp, died, timeout]);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      late.abort();
    }
    const upSince = Date.now();
    died.catch(() => {
      if (Date.now() - upSince > CALM_MS) this.#deaths = 0;
      return this.#revive();
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), this.#service.stopMs);
    await gone;
    clearTimeout(force);
  }

  async #revive(): Promise<void> {
    while (!this.#stopping) {
      await wait(Math.min(this.#service.maxBackoffMs ?? MAX_BACKOFF_MS, 250 * 2 ** this.#deaths++));
      if (this.#stopping) return;
      const revived = await this.start().then(() => true, () => false);
      if (revived) return;
    }
  }
}
