import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job, Told } from './child.ts';
import { LIMITS } from './limits.ts';
import { inputOf } from './target.ts';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const CHECK_MS = 250;
/** For loading what the readers need. */
const START_MS = 60_000;

/** What the child told, and how it ended if it did not end well. */
export async function fuzz(job: Job): Promise<{ told: Told[]; ended: string | undefined }> {
  const told: Told[] = [];
  writeFileSync(job.progress, '');
  const child = fork(CHILD, [JSON.stringify(job)], {
    execArgv: ['--import', 'tsx', `--max-old-space-size=${LIMITS.heapMiB}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, TMPDIR: job.folder },
  });
  let stderr = '';
  child.stderr!.on('data', (text: Buffer) => (stderr = (stderr + text.toString()).slice(-2000)));
  child.on('message', (message) => void told.push(message as Told));
  let hangs = false;
  const watch = watchdog(job, () => (hangs = child.kill('SIGKILL')));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once('close', (...end) => resolve(end)));
  clearInterval(watch);
  if (told.at(-1)?.kind === 'done') return { told, ended: undefined };
  const at = readFileSync(job.progress, 'utf8').trim();
  const how = hangs ? `hangs for more than ${job.hangMs} ms` : /heap out of memory/i.test(stderr) ? `needs more than ${LIMITS.heapMiB} MiB of heap` : `ends the process (${code ?? signal})\n${stderr}`;
  return { told, ended: `${at}: ${how}\nseed ${job.seed}, case ${at}: ${await kept(at, job)}` };
}

function watchdog({ progress, hangMs }: Job, kill: () => void): NodeJS.Timeout {
  let [last, since] = ['', Date.now()];
  return setInterval(() => {
    const at = readFileSync(progress, 'utf8');
    if (at !== last) [last, since] = [at, Date.now()];
    else if (Date.now() - since > (at === '' ? START_MS : hangMs)) kill();
  }, CHECK_MS);
}

/** Writes the input of a case that ended its process where it can be looked at. */
async function kept(at: string, { seed, folder, targets: from, keep }: Job): Promise<string> {
  const { targets } = (await import(from)) as typeof import('./targets/targets.ts');
  const [name, index] = at.split('/');
  const target = (await targets(folder)).find((one) => one.name === name);
  if (target === undefined) return 'before the first case';
  const file = join(keep, `genki-fuzz-${name}-${index}`);
  writeFileSync(file, inputOf(target, Number(index), seed));
  return file;
}
