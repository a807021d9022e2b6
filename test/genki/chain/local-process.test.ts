import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockRef, Chain, SignedExtrinsic } from '../../../genki/chain/chain.ts';
import { createLocalChain } from '../../../genki/chain/local/local-chain.ts';
import { commit, genesis, miner, temporaryFolder } from './support.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
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

function start(): ChildProcess {
  const args = ['--import', 'tsx', 'genki/chain/local/main.ts', '--dir', join(folder.path, 'chain'), '--genesis', join(folder.path, 'genesis.json'), '--block-ms', '20'];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  return child;
}

async function ready(child: ChildProcess): Promise<Chain> {
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  const [, url] = /^ready (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line.toString()) ?? [];
  return createLocalChain({ url: url! });
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function failure(child: ChildProcess): Promise<{ code: number; stderr: string }> {
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr };
}

/** Commits and watches blocks until told; returns everything the chain acknowledged. */
async function live(chain: Chain, until: Promise<unknown>): Promise<{ heads: BlockRef[]; landed: SignedExtrinsic[] }> {
  const heads: BlockRef[] = [];
  const landed: SignedExtrinsic[] = [];
  let over = false;
  void until.then(() => (over = true));
  try {
    for (let i = 0; !over; i++) {
      const extrinsic = await chain.prepare(commit(i.toString(16).padStart(4, '0')), miner);
      await chain.broadcast(extrinsic);
      while ((await chain.landing(extrinsic)).kind === 'pending') await sleep(5);
      landed.push(extrinsic);
      heads.push(await chain.head());
    }
  } catch (error) {
    if (!over) throw error;
  }
  return { heads, landed };
}

describe('the chain as a process', () => {
  it('killed in the middle, comes back with all it had acknowledged; a damaged journal is named instead', async () => {
    const journal = join(folder.path, 'chain', 'journal.jsonl');
    const first = start();
    const chain = await ready(first);
    const end = sleep(600);
    const [{ heads, landed }] = await Promise.all([live(chain, end), end.then(() => kill(first))]);
    expect(landed.length).toBeGreaterThan(2);

    appendFileSync(journal, '{"sum":"0x12');
    const second = start();
    const again = await ready(second);
    for (const { number, hash } of heads) expect(await again.blockHash(number)).toBe(hash);
    for (const extrinsic of landed) expect((await again.landing(extrinsic)).kind).toBe('included');
    const more = await live(again, sleep(150));
    expect(more.heads.at(-1)!.number).toBeGreaterThan(heads.at(-1)!.number);

    await kill(second);
    writeFileSync(journal, readFileSync(journal, 'utf8').replace('"number":3,', '"number":4,'));
    expect(await failure(start())).toEqual({ code: 1, stderr: expect.stringMatching(/^ChecksumMismatch: Expected line 4 of .*journal\.jsonl to continue line 3/) });
  });

  it('holds its folder alone, and leaves it on SIGTERM', async () => {
    const first = start();
    await ready(first);
    expect(await failure(start())).toEqual({ code: 1, stderr: expect.stringContaining(`process ${first.pid} holds it`) });
    const gone = once(first, 'exit');
    first.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
    const lines = readFileSync(join(folder.path, 'chain', 'journal.jsonl'), 'utf8');
    expect(lines.endsWith('\n')).toBe(true);
    expect(existsSync(join(folder.path, 'chain', 'lock'))).toBe(false);
  });

  it('says what is wrong with its flags and genesis', async () => {
    writeFileSync(join(folder.path, 'genesis.json'), '{"tempo":1}');
    const { code, stderr } = await failure(start());
    expect(code).toBe(1);
    expect(stderr).toMatch(/^InvalidInput: Expected a genesis in .*owner/s);
  });
});
