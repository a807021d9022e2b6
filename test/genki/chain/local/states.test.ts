import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlockRef } from '../../../../genki/chain/chain.ts';
import { openJournal } from '../../../../genki/chain/local/journal.ts';
import { openNode, type LocalNode } from '../../../../genki/chain/local/node.ts';
import type { State } from '../../../../genki/chain/local/state.ts';
import { decodeState, encodeState } from '../../../../genki/chain/local/state-codec.ts';
import { commit, genesis, miner, secret, setWeights, signed, temporaryFolder, validator } from '../support.ts';

const folder = temporaryFolder();
const states = join(folder.path, 'states');
/** What the chain said of each block when it was the newest. */
const said: { block: BlockRef; view: unknown }[] = [];
const open = (): Promise<LocalNode> => openNode({ dir: folder.path, genesis: genesis({ tempo: 5, finalityLag: 1 }), secret, snapshotWork: 8 });
const viewOf = (node: LocalNode, { hash }: BlockRef): unknown => [node.metagraph(1, hash), node.commitments(1, hash), node.weights(1, hash), node.hyperparameters(1, hash)];

beforeAll(async () => {
  const node = await open();
  for (let i = 0; i < 40; i++) {
    node.submit(signed(node, commit(i.toString(16).padStart(2, '0')), miner).hex);
    if (i % 4 === 3) node.submit(signed(node, setWeights([0, 1], [i, 7]), validator).hex);
    const block = await node.produceBlock();
    said.push({ block, view: structuredClone(viewOf(node, block)) });
  }
  await node.close();
});
afterAll(() => folder.remove());

async function checkAll(node: LocalNode): Promise<void> {
  for (const { block, view } of [...said].reverse()) expect(viewOf(node, block), `block ${block.number}`).toEqual(view);
  await node.close();
}

/** A snapshot with the sum that it had, and more in it. */
function richer(bytes: Buffer): Buffer {
  const state = decodeState(inflateRawSync(bytes.subarray(32))) as State;
  return Buffer.concat([bytes.subarray(0, 32), deflateRawSync(encodeState({ ...state, burn: state.burn + 1n }))]);
}

describe('the states of old blocks', () => {
  it('are as they were, from the snapshots', async () => {
    expect(readdirSync(states).length).toBeGreaterThan(5);
    await checkAll(await open());
  });

  it('are as they were when snapshots are lost, cut, changed, exchanged or forged, which are then made again', async () => {
    const names = readdirSync(states).sort();
    const bytes = names.map((name) => readFileSync(join(states, name)));
    const damage: ((path: string, i: number) => void)[] = [
      (path) => rmSync(path),
      (path, i) => writeFileSync(path, bytes[i]!.subarray(0, -5)),
      (path, i) => writeFileSync(path, bytes[i]!.map((byte, at) => (at === 60 ? byte ^ 1 : byte))),
      (path) => writeFileSync(path, ''),
      (path, i) => writeFileSync(path, bytes[i - 1]!),
      (path, i) => writeFileSync(path, richer(bytes[i]!)),
      () => undefined,
    ];
    names.forEach((name, i) => damage[i % damage.length]!(join(states, name), i));
    writeFileSync(join(states, `${names[0]}.new`), 'half');
    await checkAll(await open());
    rmSync(states, { recursive: true });
    await (await open()).close();
    expect(readdirSync(states).sort()).toEqual(names);
  });

  it('are refused when the blocks do not give what they gave', async () => {
    const path = join(folder.path, 'journal.jsonl');
    const { journal, entries } = await openJournal(path);
    const last = journal.read(entries.length) as { number: number; hash: string; extrinsics: string[] };
    await journal.append({ ...last, number: last.number + 1, parent: last.hash, hash: `0x${'0'.repeat(64)}` });
    await journal.close();
    await expect(open()).rejects.toThrow(expect.objectContaining({ name: 'ChecksumMismatch', message: expect.stringContaining(`Expected block ${last.number + 1} to give what it gave`) }));
  });
});
