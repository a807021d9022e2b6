import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { genesis, temporaryFolder } from '../genki/chain/support.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const running: ChildProcess[] = [];
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder.path, 'genesis.json'), JSON.stringify(genesis()));
});
afterEach(async () => {
  for (const child of running.splice(0)) await kill(child);
  folder.remove();
});

function start(...more: string[]): ChildProcess {
  const args = ['--import', 'tsx', 'genki/chain/local/main.ts', '--dir', join(folder.path, 'chain'), '--genesis', join(folder.path, 'genesis.json'), '--block-ms', '20', ...more];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function failure(child: ChildProcess): Promise<{ code: number; stderr: string }> {
  const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, 'close') as Promise<[number]>]);
  return { code, stderr };
}

describe('the chain as a process', () => {
  it('says where it is, holds its folder alone, and leaves it on SIGTERM', async () => {
    const first = start();
    const [line] = (await once(first.stdout!, 'data')) as [Buffer];
    expect(line.toString()).toMatch(/^ready http:\/\/127\.0\.0\.1:\d+\n$/);
    expect(await failure(start())).toEqual({ code: 1, stderr: expect.stringContaining(`process ${first.pid} holds it`) as string });
    const gone = once(first, 'exit');
    first.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
    expect(readFileSync(join(folder.path, 'chain', 'journal.jsonl'), 'utf8').endsWith('\n')).toBe(true);
    expect(existsSync(join(folder.path, 'chain', 'lock'))).toBe(false);
  });

  it('says what is wrong with its flags and genesis', async () => {
    const idle = failure(start('--block-ms', '0'));
    const [{ code, stderr }, other] = await Promise.all([idle, failure(start('--genesis', fileURLToPath(new URL('../../package.json', import.meta.url))))]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^InvalidInput: .*expected --dev with --block-ms 0/s) as string });
    expect(other).toEqual({ code: 1, stderr: expect.stringMatching(/^InvalidInput: Expected a genesis in .*owner/s) as string });
  });
});
