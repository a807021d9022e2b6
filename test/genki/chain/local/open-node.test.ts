import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authorBeacon } from '../../../../genki/chain/local/block.ts';
import type { Genesis } from '../../../../genki/chain/local/genesis.ts';
import { openJournal } from '../../../../genki/chain/local/journal.ts';
import { openNode, type LocalNode } from '../../../../genki/chain/local/node.ts';
import { commit, genesis, miner, produce, secret, signed, temporaryFolder } from '../support.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const open = (settings: Partial<Genesis> = {}, author = secret): Promise<LocalNode> => openNode({ dir: folder.path, genesis: genesis(settings), secret: author });
const journal = (): string => join(folder.path, 'journal.jsonl');

async function append(...entries: object[]): Promise<void> {
  const opened = await openJournal(journal());
  for (const entry of entries) await opened.journal.append(entry);
  await opened.journal.close();
}

describe('a folder', () => {
  it('gives the node back with the same blocks, states and landings', async () => {
    const node = await open();
    const [good, bad] = [signed(node, commit('aa'), miner), signed(node, { kind: 'triggerEpoch', netuid: 1 }, miner, { nonce: 1 })];
    for (const { hex } of [good, bad]) node.submit(hex);
    await produce(node, 15);
    const head = node.head();
    const views = (of: LocalNode): unknown => [of.head(), of.metagraph(1, head.hash), of.commitments(1, head.hash), of.landing(good), of.landing(bad)];
    const before = views(node);
    expect(before).toMatchObject([head, {}, [{ data: 'aa' }], { kind: 'included', index: 0 }, { kind: 'failed', code: 'BadOrigin', message: "Expected the subnet's owner" }]);
    await node.close();
    const again = await open();
    expect(views(again)).toEqual(before);
    again.submit(good.hex);
    expect((await again.produceBlock()).number).toBe(16);
    await again.close();
  });

  it('belongs to one genesis, one author of its beacon, and one node at a time', async () => {
    const beacon = authorBeacon(secret);
    const node = await open({ beacon });
    await expect(open({ beacon })).rejects.toThrow('but this process holds it');
    await node.close();
    await expect(open({ beacon, tempo: 11 })).rejects.toThrow(expect.objectContaining({ name: 'InvalidInput', message: expect.stringContaining('Expected the genesis that this chain began with, 0x') as string }));
    await expect(open({ beacon }, new Uint8Array(32))).rejects.toThrow("the author's secret that the genesis has the beacon of");
    writeFileSync(join(folder.path, 'lock'), String(process.ppid));
    await (await open({ beacon })).close();
  });

  it('is refused with well-formed lines that follow from nothing', async () => {
    const node = await open();
    const block = await node.produceBlock();
    await node.close();
    const entry = { number: 2, parent: block.hash, randomness: '0'.repeat(64), pulse: null, hash: `0x${'1'.repeat(64)}`, included: [], failed: [], extrinsics: [] };
    for (const [wrong, message] of [
      [{ ...entry, number: 3 }, 'line 3 to be block 2 after'],
      [{ ...entry, parent: entry.hash }, 'line 3 to be block 2 after'],
      [{ ...entry, hash: 'none' }, "line 3 to be one of the local chain's"],
      [{ best: { number: 1, hash: block.hash } }, 'line 3 to go back to a block from 0 to 0'],
      [{ best: { number: 0, hash: block.hash } }, 'line 3 to go back to a block from 0 to 0'],
    ] as const) {
      await append(wrong);
      await expect(open()).rejects.toThrow(expect.objectContaining({ name: 'ChecksumMismatch', message: expect.stringContaining(message) as string }));
      rmSync(journal());
      const fresh = await open();
      expect(await fresh.produceBlock()).toEqual(block);
      await fresh.close();
    }
    rmSync(journal());
    await append({ no: 'header' });
    await expect(open()).rejects.toThrow("Expected line 1 to be one of the local chain's");
  });
});
