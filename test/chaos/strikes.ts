import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../genki/protocol/random.ts';
import type { SmallDisk } from './small-disk.ts';

/** Who may be killed, and how to find it; undefined while it is being started again. */
export type Victims = Readonly<Record<string, () => number | undefined>>;

export type StrikeOptions = {
  readonly victims: Victims;
  readonly kills: number;
  readonly random: Random;
  /** Between two kills, milliseconds. */
  readonly pauseMs: readonly [least: number, most: number];
  readonly disk: SmallDisk | undefined;
  /** Read by the preloaded clock of every process. */
  readonly clockFile: string;
  readonly say: (line: string) => void;
};

export type Struck = { readonly kills: Readonly<Record<string, number>>; readonly clockJumps: number; readonly fullDisks: number };

const HOUR_MS = 3_600_000;
/** The clock jumps, and the disk is full for a while, once in so many kills. */
const WEATHER_EVERY = 10;
const FULL_MS = 4000;

/** Kills one process after another at seeded random moments until all kills are done or the run is over. */
export class Strikes {
  readonly #options: StrikeOptions;
  readonly #kills: Record<string, number> = {};
  #clockJumps = 0;
  #fullDisks = 0;
  #paused = false;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: StrikeOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get left(): number {
    return this.#options.kills - this.#done;
  }

  /** While a task runs nobody is killed. */
  async calm<T>(task: () => Promise<T>): Promise<T> {
    this.#paused = true;
    try {
      return await task();
    } finally {
      this.#paused = false;
    }
  }

  async stop(): Promise<Struck> {
    this.#over.abort();
    await this.#running;
    return { kills: this.#kills, clockJumps: this.#clockJumps, fullDisks: this.#fullDisks };
  }

  get #done(): number {
    return Object.values(this.#kills).reduce((sum, n) => sum + n, 0);
  }

  async #run(): Promise<void> {
    const { random, pauseMs: [least, most] } = this.#options;
    while (this.left > 0 && (await this.#pause(least + random.int(most - least + 1)))) {
      if (this.#paused || !this.#kill()) continue;
      if (this.#done % WEATHER_EVERY === 4) this.#jump();
      if (this.#done % WEATHER_EVERY === 8) await this.#fillDisk();
    }
  }

  /** False when nobody was there to be killed. */
  #kill(): boolean {
    const { victims, random, say } = this.#options;
    const names = Object.keys(victims);
    const name = names[random.int(names.length)]!;
    const pid = victims[name]!();
    if (pid === undefined) return false;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return false; // it died on its own just now
    }
    this.#kills[name] = (this.#kills[name] ?? 0) + 1;
    say(`kill ${this.#done}: ${name} (${pid})`);
    return true;
  }

  /** An hour forward, and the next time back. */
  #jump(): void {
    const ahead = this.#clockJumps++ % 2 === 0;
    writeFileSync(this.#options.clockFile, String(ahead ? HOUR_MS : 0));
    this.#options.say(`the clock jumps an hour ${ahead ? 'ahead' : 'back'}`);
  }

  async #fillDisk(): Promise<void> {
    const { disk, say } = this.#options;
    if (!disk) return;
    disk.fill();
    this.#fullDisks++;
    say(`the disk is full at ${disk.usedMib().toFixed(0)} MiB`);
    await this.#pause(FULL_MS);
    disk.empty();
    say('there is room again');
  }

  /** False when the run is over. */
  async #pause(ms: number): Promise<boolean> {
    return await wait(ms, true, { signal: this.#over.signal }).catch(() => false);
  }
}

/** A child of a process, the oldest or the youngest. */
export function childOf(pid: number | undefined, random: Random): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const pids = execFileSync('ps', ['--ppid', String(pid), '-o', 'pid='], { encoding: 'utf8' }).split('\n').map(Number).filter((child) => child > 0);
    return pids[random.int(Math.max(1, pids.length))];
  } catch {
    return undefined; // it has none
  }
}
