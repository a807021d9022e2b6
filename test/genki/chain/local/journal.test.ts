import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../../../genki/chain/local/journal.ts';
import { openNode } from '../../../../genki/chain/local/node.ts';
import { commit, genesis, miner, produce, secret, signed, temporaryFolder } from '../support.ts';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'journal.jsonl');
});
afterEach(() => folder.remove());

async function write(...entries: unknown[]): Promise<void> {
  const { journal } = await openJournal(path);
  for (const entry of entries) await journal.append(entry);
  await journal.close();
}

async function read(): Promise<unknown[]> {
  const { journal, entries } = await openJournal(path);
  await journal.close();
  return entries;
}

describe('the journal', () => {
  it('gives back what was appended, in order, over several openings', async () => {
    await write({ a: 1 }, 'two\nlines');
    await write([3]);
    expect(await read()).toEqual([{ a: 1 }, 'two\nlines', [3]]);
  });

  it('cuts a tail torn at any byte and goes on from there', async () => {
    await write('one', 'two');
    const whole = readFileSync(path);
    const second = whole.indexOf('\n') + 1;
    for (let end = second; end < whole.length; end++) {
      writeFileSync(path, whole.subarray(0, end));
      expect(await read(), `cut at ${end}`).toEqual(['one']);
    }
    await write('three');
    expect(await read()).toEqual(['one', 'three']);
    appendFileSync(path, Buffer.alloc(50));
    expect(await read()).toEqual(['one', 'three']);
  });

  it('refuses any changed byte of an acknowledged line, naming file and line', async () => {
    await write('one', 'two', 'three');
    const whole = readFileSync(path);
    const second = whole.indexOf('\n') + 1;
    for (const at of [second, second + 10, second + 40, second + 90]) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      writeFileSync(path, changed);
      await expect(read()).rejects.toThrow(expect.objectContaining({ name: 'ChecksumMismatch', message: expect.stringContaining(`line 2 of ${path}`) }));
    }
  });

  it('takes nothing more after a failed write', async () => {
    const { journal } = await openJournal(path);
    await journal.close();
    await expect(journal.append('lost')).rejects.toThrow();
    await expect(journal.append('late')).rejects.toThrow('Expected a journal without a failed write');
    expect(await read()).toEqual([]);
  });

  it('refuses lines that are missing, doubled or exchanged', async () => {
    await write('one', 'two', 'three');
    const [one, two, three] = readFileSync(path, 'utf8').split('\n');
    for (const lines of [[one, three], [one, one, two], [two, one, three], [one, '', two]]) {
      writeFileSync(path, `${lines.join('\n')}\n`);
      await expect(read()).rejects.toThrow('Expected line');
    }
  });
});

describe('a node', () => {
  const open = (): ReturnType<typeof openNode> => openNode({ dir: folder.path, genesis: genesis(), secret });

  it('comes back from its journal with the same blocks, states and landings', async () => {
    const node = await open();
    const extrinsic = signed(node, commit('aa'), miner);
    node.submit(extrinsic.hex);
    await produce(node, 15);
    const head = node.head();
    const before = [node.metagraph(1, head.hash), node.commitments(1, head.hash), node.landing(extrinsic)];
    await node.close();
    const again = await open();
    expect(again.head()).toEqual(head);
    expect([again.metagraph(1, head.hash), again.commitments(1, head.hash), again.landing(extrinsic)]).toEqual(before);
    again.submit(extrinsic.hex);
    await produce(again, 1);
    await again.close();
  });

  it('refuses another genesis', async () => {
    await (await open()).close();
    await expect(openNode({ dir: folder.path, genesis: genesis({ tempo: 11 }), secret })).rejects.toThrow('Expected the genesis that the chain in');
    await (await open()).close();
  });

  it('refuses a second one in the same folder', async () => {
    const node = await open();
    await expect(open()).rejects.toThrow('holds it already');
    await node.close();
    writeFileSync(join(folder.path, 'lock'), String(process.ppid));
    await expect(open()).rejects.toThrow(`process ${process.ppid} holds it`);
    writeFileSync(join(folder.path, 'lock'), '999999999');
    await (await open()).close();
  });

  it('refuses well-formed lines that are no valid block', async () => {
    const node = await open();
    await produce(node, 1);
    await node.close();
    await write({ number: 3, parent: `0x${'0'.repeat(64)}`, randomness: '0'.repeat(64), extrinsics: [] });
    await expect(open()).rejects.toThrow('Expected a valid block 2');
    truncateSync(path, 0);
    await write('no header');
    await expect(open()).rejects.toThrow('Expected a journal of the local chain');
  });
});
