import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseJson } from '../../activities/parse-json.ts';
import { createLocalChain } from '../../genki/chain/local/local-chain.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { Network } from '../../workers/settings.ts';

const STOP_MS = 10_000;

/**
 * Makes sure that nobody else uses this home: a network that answers is refused; the Temporal server that a killed one
 * has left behind is ended, since two of them on one database would spoil it.
 * @throws {InvalidInput} when a network is running here
 */
export async function claimHome(home: string): Promise<void> {
  if (await isRunning(home)) throw taken(home);
  for (const pid of serversOf(home)) end(pid, 'SIGTERM');
  for (const until = Date.now() + STOP_MS; serversOf(home).length > 0; await wait(100)) {
    if (Date.now() > until) for (const pid of serversOf(home)) end(pid, 'SIGKILL');
  }
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended just now
  }
}

/**
 * Takes the home for this process until `release`; a lock whose process is gone counts for nothing.
 * @throws {InvalidInput} when another process has it, or the folder cannot be written
 */
export function lockHome(home: string): { release(): void } {
  const file = join(home, 'network.lock');
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') throw new InvalidInput(`Expected a folder that can be written, got ${home}: ${message}`, { cause: error });
      const pid = Number(readFileSync(file, 'utf8'));
      if (pid !== process.pid && isAlive(pid)) throw taken(home);
      rmSync(file, { force: true });
    }
  }
}

const taken = (home: string): InvalidInput => new InvalidInput(`Expected no network to be running in ${home}, one is; stop it, or choose another folder by GENKI_HOME`);

function isAlive(pid: number): boolean {
  try {
    return Number.isSafeInteger(pid) && pid > 1 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** For `genki status`: a full disk is no reason not to start. */
export function rememberServer(home: string, pid: number): void {
  try {
    writeFileSync(pidFile(home), String(pid));
  } catch {
    // see above
  }
}
export const forgetServer = (home: string): void => rmSync(pidFile(home), { force: true });

/** Where a home's Temporal keeps its database. */
export const databaseOf = (home: string): string => join(home, 'temporal.db');

const pidFile = (home: string): string => join(home, 'temporal.pid');

/** By what they were started with: a server that was started again has another pid than the first. */
function serversOf(home: string): number[] {
  try {
    const lines = execFileSync('ps', ['-axww', '-o', 'pid=,args='], { encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\n');
    return lines.filter((line) => line.includes(` --db-filename ${databaseOf(home)} `)).map((line) => Number.parseInt(line, 10));
  } catch {
    return [];
  }
}

async function isRunning(home: string): Promise<boolean> {
  const file = join(home, 'network.json');
  if (!existsSync(file)) return false;
  const known = Network.safeParse(parseJson(readFileSync(file)));
  if (!known.success) return false;
  const { chain: url } = known.data;
  const chain = createLocalChain({ url, timeoutMs: 1000 });
  return await chain.head().then(() => true, () => false).finally(() => chain.close());
}

/** Whether the network that this home's `network.json` tells of was killed: the process that held the home is gone. */
export function wasKilled(home: string): boolean {
  const file = join(home, 'network.lock');
  return existsSync(file) && !isAlive(Number(readFileSync(file, 'utf8')));
}
