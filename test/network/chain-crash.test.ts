import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockRef, Call, SignedExtrinsic } from '../../genki/chain/chain.ts';
import { openNode, type LocalNode } from '../../genki/chain/local/node.ts';
import { ChainUnavailable } from '../../genki/errors.ts';
import { Random } from '../../genki/protocol/random.ts';
import { commit, genesis, miner, secret, signed, temporaryFolder } from '../genki/chain/support.ts';
import { killed, startChainProcess, type ChainProcess } from './support/chain-process.ts';
import { until } from './support/network.ts';

const KILLS = 20;
const LAG = 3;
const rules = genesis({ finalityLag: LAG, commitmentSpace: 4_000_000_000 });

let folder: ReturnType<typeof temporaryFolder>;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder.path, 'genesis.json'), JSON.stringify(rules));
});
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  folder.remove();
});

async function start(options: { blockMs?: number; fileKiB?: number } = {}): Promise<ChainProcess> {
  const chain = await startChainProcess({ dir: join(folder.path, 'chain'), genesis: join(folder.path, 'genesis.json'), ...options });
  children.push(chain.child);
  return chain;
}

/** What a client of the chain knows to be so, and what it asked for when the chain died. */
type Known = { best: BlockRef; readonly blocks: Map<number, string>; readonly waiting: SignedExtrinsic[]; readonly landed: SignedExtrinsic[]; asked: { blocks: number } | { depth: number } | undefined };

/** Does what comes to mind until the chain is gone; `onStep` is told when it asks for something. */
async function live({ chain, dev }: ChainProcess, known: Known, { random, onStep }: { random: Random; onStep: () => void }): Promise<void> {
  // the pool of a chain that was killed is gone
  for (const extrinsic of known.waiting) await chain.broadcast(extrinsic).catch(() => undefined);
  for (let i = 0; ; i++) {
    if (random.chance(0.5)) {
      const extrinsic = await chain.prepare(commit(i.toString(16).padStart(4, '0')), miner);
      await chain.broadcast(extrinsic);
      known.waiting.push(extrinsic);
    }
    const depth = 1 + random.int(LAG);
    onStep();
    if (random.chance(0.2) && known.best.number - depth >= (await chain.head()).number) {
      known.asked = { depth };
      known.best = await dev.reorganise(depth);
      for (const number of known.blocks.keys()) if (number > known.best.number) known.blocks.delete(number);
    } else {
      const blocks = 1 + random.int(4);
      known.asked = { blocks };
      known.best = await dev.produceBlocks(blocks);
      known.blocks.set(known.best.number, known.best.hash);
    }
    known.asked = undefined;
    for (const extrinsic of [...known.waiting]) {
      const { kind } = await chain.landing(extrinsic);
      if (kind === 'included') known.landed.push(extrinsic);
      if (kind !== 'pending') known.waiting.splice(known.waiting.indexOf(extrinsic), 1);
    }
  }
}

/** The chain that came back has all of it, and of what it had not answered all, nothing, or the first part. */
async function checkAll({ chain, dev }: ChainProcess, known: Known): Promise<void> {
  const next = await dev.produceBlocks(1);
  const extra = next.number - 1 - known.best.number;
  const { asked } = known;
  const possible = asked === undefined ? [0] : 'depth' in asked ? [0, -asked.depth] : Array.from({ length: asked.blocks + 1 }, (_, i) => i);
  expect(possible, `after ${JSON.stringify(asked)}`).toContain(extra);
  for (const [number, hash] of known.blocks) {
    const read = chain.metagraph(1, hash);
    if (number < next.number) expect((await read).at).toEqual({ number, hash });
    else await expect(read).rejects.toThrow('was dropped by a reorganisation');
  }
  for (const extrinsic of known.landed) expect((await chain.landing(extrinsic)).kind).toBe('included');
  known.best = next;
  for (const number of known.blocks.keys()) if (number >= next.number) known.blocks.delete(number);
  known.blocks.set(next.number, next.hash);
  known.asked = undefined;
}

describe('the local chain', () => {
  it(`killed at ${KILLS} moments, comes back each time with what it had acknowledged, forks and all`, async () => {
    const random = new Random('chain kills');
    const known: Known = { best: { number: 0, hash: '' }, blocks: new Map(), waiting: [], landed: [], asked: undefined };
    const cut: string[] = [];
    for (let i = 0; i < KILLS; i++) {
      const running = await start();
      await checkAll(running, known);
      const moment = { step: 3 + random.int(6), afterMs: random.int(8) };
      let steps = 0;
      let killing: Promise<void> | undefined;
      const onStep = (): void => {
        if (++steps === moment.step) killing = wait(moment.afterMs).then(() => running.kill());
      };
      await live(running, known, { random, onStep }).catch((error: unknown) => {
        if (!(error instanceof ChainUnavailable)) throw error;
      });
      await killing;
      if (known.asked) cut.push(Object.keys(known.asked)[0]!);
    }
    const last = await start();
    await checkAll(last, known);
    expect(known.landed.length).toBeGreaterThan(KILLS);
    expect(cut.length).toBeGreaterThan(KILLS / 4);
  });

  it('cut at any byte of its last two entries, comes back as it was before the one that was cut', async () => {
    const dir = join(folder.path, 'whole');
    const open = (at: string): Promise<LocalNode> => openNode({ dir: at, genesis: rules, secret, snapshotWork: 1 });
    const node = await open(dir);
    for (let i = 0; i < 6; i++) await node.produceBlock();
    await node.reorganise(2);
    node.submit(signed(node, commit('aa'), miner).hex);
    const before = node.signing(miner.hotkey).nonce - 1;
    const best = [await node.produceBlock(), await node.produceBlock()];
    await node.reorganise(1);
    await node.close();
    const journal = readFileSync(join(dir, 'journal.jsonl'));
    const ends = [...journal.keys()].filter((at) => journal[at] === 0x0a).map((at) => at + 1);
    const [third, second, last] = ends.slice(-3) as [number, number, number];
    const copy = join(folder.path, 'cut');
    cpSync(dir, copy, { recursive: true });
    for (let end = last; end >= third; end--) {
      truncateSync(join(copy, 'journal.jsonl'), end);
      const again = await open(copy);
      const expected = end < second ? best[0]! : end < last ? best[1]! : best[0]!;
      expect(again.metagraph(1, expected.hash).at, `cut at ${end}`).toEqual(expected);
      expect(again.signing(miner.hotkey).nonce).toBe(before + 1);
      if (end < second) expect(() => again.metagraph(1, best[1]!.hash)).toThrow('Expected the hash of a block of this chain');
      await again.close();
    }
  });

  it('holds its folder against eight that want it at once, when the one before was killed and its pid lives on', async () => {
    const racers = await Promise.all(Array.from({ length: 8 }, async () => {
      const child = fork(fileURLToPath(new URL('./support/lock-child.ts', import.meta.url)), { execArgv: ['--import', import.meta.resolve('tsx')] });
      children.push(child);
      await once(child, 'message');
      return child;
    }));
    const ask = async (child: ChildProcess): Promise<{ held: boolean; message?: string; child: ChildProcess }> => {
      const answer = once(child, 'message');
      child.send(folder.path);
      return { ...((await answer)[0] as { held: boolean; message?: string }), child };
    };
    while (racers.length > 0) {
      // a note of somebody who lives, and is no chain
      writeFileSync(join(folder.path, 'lock'), String(process.pid));
      const answers = await Promise.all(racers.map(ask));
      const [holder, ...others] = answers.filter(({ held }) => held);
      expect(others).toEqual([]);
      for (const { message } of answers.filter(({ held }) => !held)) expect(message).toMatch(/^Expected .* to be free, but (process \d+|another process) holds it$/);
      await killed(holder!.child);
      racers.splice(racers.indexOf(holder!.child), 1);
    }
  });

  it.runIf(process.platform === 'linux')('says that its disk is full, acknowledges nothing, and goes on when there is room', async () => {
    const running = await start({ blockMs: 20, fileKiB: 64 });
    const { chain, child, complaints } = running;
    const big: Call = { kind: 'setCommitment', netuid: 1, fields: [{ kind: 'bigRaw', data: 'ab'.repeat(512) }, { kind: 'bigRaw', data: 'cd'.repeat(512) }, { kind: 'bigRaw', data: 'ef'.repeat(512) }] };
    await until('a full disk', async () => {
      await chain.broadcast(await chain.prepare(big, miner)).catch(() => undefined);
      return complaints.find((line) => /^ChainUnavailable: Expected room for \d+ bytes in .*journal\.jsonl, got EFBIG/.test(line));
    });
    const stuck = await chain.head();
    const late = await chain.prepare(commit('beef'), miner);
    await chain.broadcast(late);
    await wait(200);
    expect(await chain.head()).toEqual(stuck);
    expect(complaints).toHaveLength(1);

    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
    await until('the extrinsic that had to wait', async () => (await chain.landing(late)).kind === 'included');
    expect(complaints.at(-1)).toBe('There is room again');
    const head = await chain.head();
    await running.kill();
    const again = await start();
    expect(await again.chain.blockHash(head.number)).toBe(head.hash);
    expect((await again.chain.landing(late)).kind).toBe('included');
  });

  it('names a damaged line instead of starting', async () => {
    const first = await start();
    await first.dev.produceBlocks(5);
    await first.kill();
    const journal = join(folder.path, 'chain', 'journal.jsonl');
    writeFileSync(journal, readFileSync(journal, 'utf8').replace('"number":3,', '"number":4,'));
    await expect(start()).rejects.toThrow(/ended with 1: ChecksumMismatch: Expected line 4 of .*journal\.jsonl to continue line 3/);
  });
});
