import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Result } from '../../../client/first-light/result.ts';

const MAIN = fileURLToPath(new URL('../../../client/main.ts', import.meta.url));
/** A whole epoch and what is looked at afterwards, on a machine that does other things, too. */
export const PATIENCE_MS = 15 * 60_000;

export type Run = { readonly child: ChildProcess; readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>; heard(text: string): Promise<void> };

/** `genki start` as a person runs it, in a home of its own. */
export const start = (home: string, ...args: string[]): Run => genki(home, 'start', '--json', '--any-ports', ...args);

export function genki(home: string, ...args: string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { env: { ...process.env, GENKI_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const listeners: (() => void)[] = [];
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk; });
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk; for (const listener of listeners) listener(); });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  const heard = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => { if (stderr.includes(text)) resolve(); };
      listeners.push(look);
      look();
      void ended.then(({ code }) => reject(new Error(`ended with ${code} before "${text}":\n${stderr}`)));
    });
  return { child, ended, heard };
}

/** Processes that have this home on their command line or in their environment. */
export function leftOver(home: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args=e'], { encoding: 'utf8', maxBuffer: 2 ** 24 }).split('\n');
  return lines.filter((line) => line.includes(home) && !line.includes(' ps '));
}

export function resultOf(stdout: string): Result {
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Result;
}
