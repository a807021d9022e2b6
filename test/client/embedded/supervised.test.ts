import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Supervised, type Service } from '../../../client/embedded/supervised.ts';

let folder: string;
let logFile: string;
const started: Supervised[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genki-supervised-'));
  logFile = join(folder, 'log');
});
afterEach(async () => {
  for (const service of started.splice(0)) await service.stop();
  rmSync(folder, { recursive: true });
});

/** A Node process that runs this program. */
function service(program: string, more: Partial<Service> = {}): Supervised {
  const supervised = new Supervised({ name: 'it', command: process.execPath, args: ['-e', program], logFile, ready: 'message', readyMs: 20_000, stopMs: 5000, ...more });
  started.push(supervised);
  return supervised;
}

const UP = "process.send('ready'); process.on('disconnect', () => process.exit()); setInterval(() => {}, 1000);";

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('Expected this within 10 s');
    await wait(10);
  }
}

describe('a supervised process', () => {
  it('is up with its first message, writes its log, and ends when asked', async () => {
    const it = service(`console.log('hello'); console.error('trouble'); ${UP}`);
    await it.start();
    const pid = it.pid!;
    expect(isAlive(pid)).toBe(true);
    await until(() => /hello\n/.test(readFileSync(logFile, 'utf8')) && /trouble\n/.test(readFileSync(logFile, 'utf8')));
    await it.stop();
    expect(isAlive(pid)).toBe(false);
    await it.stop();
  });

  it('is started again when it dies, and not any more once it was stopped', async () => {
    const it = service(UP);
    await it.start();
    const first = it.pid!;
    process.kill(first, 'SIGKILL');
    await until(() => it.pid !== first && isAlive(it.pid!));
    await it.stop();
    expect([first, it.pid!].map(isAlive)).toEqual([false, false]);
  });

  it('is killed when it does not end in time', async () => {
    const it = service(`process.on('SIGTERM', () => {}); ${UP}`, { stopMs: 100 });
    await it.start();
    await it.stop();
    expect(isAlive(it.pid!)).toBe(false);
  });

  it('names its log when it dies before it is up, and is not tried again', async () => {
    const it = service("console.error('no'); process.exit(3)");
    await expect(it.start()).rejects.toThrow(`it ended (3); see ${logFile}`);
    const { pid } = it;
    await wait(400);
    expect(it.pid).toBe(pid);
  });

  it('is killed when it does not come up in time, and what waits for it is told', async () => {
    let isTold = false;
    const it = service('setInterval(() => {}, 1000)', {
      readyMs: 200,
      ready: (signal) => new Promise(() => signal.addEventListener('abort', () => { isTold = true; })),
    });
    await expect(it.start()).rejects.toThrow(`it did not come up within 0.2 s; see ${logFile}`);
    await until(() => !isAlive(it.pid!));
    expect(isTold).toBe(true);
  });

  it('says so when there is no such program, and can still be stopped', async () => {
    const it = service('', { command: join(folder, 'nothing') });
    await expect(it.start()).rejects.toThrow('ENOENT');
    await it.stop();
  });
});
