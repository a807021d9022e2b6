import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signExtrinsic } from '../../../../genki/chain/local/extrinsic.ts';
import { openNode, type LocalNode } from '../../../../genki/chain/local/node.ts';
import { commit, genesis, miner, owner, produce, secret, setWeights, signed, temporaryFolder, validator } from '../support.ts';
import { smallDisk } from './small-disk.ts';

let folder: ReturnType<typeof temporaryFolder>;
let node: LocalNode;
const disk = smallDisk();
const open = (): Promise<LocalNode> => openNode({ dir: folder.path, genesis: genesis({ finalityLag: 4 }), secret, disk: disk.wrap });
beforeEach(async () => {
  folder = temporaryFolder();
  disk.fill(Infinity);
  node = await open();
});
afterEach(async () => {
  await node.close();
  folder.remove();
});

describe('a reorganisation', () => {
  it('drops blocks, whose extrinsics wait again in their order and land in other blocks', async () => {
    const base = await node.produceBlock();
    const first = signed(node, commit('01'), miner);
    node.submit(first.hex);
    const dropped = [await node.produceBlock()];
    const second = signed(node, commit('02'), miner);
    const row = signed(node, setWeights([1], [1]), validator);
    for (const { hex } of [row, second]) node.submit(hex);
    dropped.push(await node.produceBlock());
    const waiting = signed(node, { kind: 'triggerEpoch', netuid: 1 }, owner);
    node.submit(waiting.hex);

    expect(await node.reorganise(2)).toEqual(base);
    expect([first, second, row, waiting].map((one) => node.landing(one).kind)).toEqual(['pending', 'pending', 'pending', 'pending']);
    expect(node.signing(miner.hotkey).nonce).toBe(2);
    for (const { hash } of dropped) expect(() => node.metagraph(1, hash)).toThrow(expect.objectContaining({ name: 'ChainUnavailable', message: `Block ${hash} was dropped by a reorganisation` }));

    const block = await node.produceBlock();
    expect(block.number).toBe(dropped[0]!.number);
    expect(dropped.map(({ hash }) => hash)).not.toContain(block.hash);
    await produce(node, 4);
    expect([first, row, second, waiting].map((one) => node.landing(one))).toEqual([0, 1, 2, 3].map((index) => ({ kind: 'included', block, index })));
  });

  it('of the same depth twice gives another block each time, also without extrinsics', async () => {
    const hashes = [await node.produceBlock()];
    for (let i = 0; i < 3; i++) {
      await node.reorganise(1);
      hashes.push(await node.produceBlock());
    }
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(4);
  });

  it('never drops a final block, and what was final stays so', async () => {
    await produce(node, 7);
    expect(node.head().number).toBe(3);
    await expect(node.reorganise(5)).rejects.toThrow('Expected to drop 1 to 4 of the blocks up to 7, since 3 is final, got 5');
    await expect(node.reorganise(0)).rejects.toMatchObject({ name: 'InvalidInput' });
    const head = node.head();
    await node.reorganise(4);
    expect(node.head()).toEqual(head);
    for (let number = 4; number <= 7; number++) {
      await node.produceBlock();
      expect(node.head(), `at ${number}`).toEqual(head);
    }
    await node.produceBlock();
    expect(node.head().number).toBe(4);
  });

  it('is on the disk: the chain comes back on the same branch, and a later one differs again', async () => {
    await produce(node, 3);
    const gone = await node.produceBlock();
    await node.reorganise(1);
    const kept = await node.produceBlock();
    await node.close();
    node = await open();
    expect(node.metagraph(1, kept.hash).at).toEqual(kept);
    expect(() => node.metagraph(1, gone.hash)).toThrow('was dropped by a reorganisation');
    await node.reorganise(1);
    const other = await node.produceBlock();
    expect([gone.hash, kept.hash]).not.toContain(other.hash);
  });

  it('does not take back what was signed for a block that is gone', async () => {
    await produce(node, 5);
    const best = await node.produceBlock();
    const orphan = signExtrinsic({ call: commit('aa'), nonce: 0, bornAt: best.number, period: 32 }, { ...node.signing(miner.hotkey), birthHash: best.hash }, miner);
    node.submit(orphan.hex);
    await node.produceBlock();
    await node.reorganise(2);
    expect(node.signing(miner.hotkey).nonce).toBe(0);
    await produce(node, 6);
    expect(node.landing(orphan)).toEqual({ kind: 'pending' });
    await expect(async () => node.submit(orphan.hex)).rejects.toMatchObject({ code: 'BadProof' });
  });
});

describe('a lossy node', () => {
  it('acknowledges the next extrinsic, and forgets it; sent again, it lands', async () => {
    const extrinsic = signed(node, commit('aa'), miner);
    node.dropNext();
    node.submit(extrinsic.hex);
    await produce(node, 6);
    expect(node.landing(extrinsic)).toEqual({ kind: 'pending' });
    node.submit(extrinsic.hex);
    await produce(node, 5);
    expect(node.landing(extrinsic).kind).toBe('included');
  });

  it('forgets all that waits', async () => {
    node.submit(signed(node, commit('aa'), miner).hex);
    node.submit(signed(node, commit('bb'), miner).hex);
    expect([node.dropPool(), node.dropPool()]).toEqual([2, 0]);
    expect(node.signing(miner.hotkey).nonce).toBe(0);
  });
});

describe('a full disk', () => {
  it('acknowledges no block and no fork; what waits lands once there is room again', async () => {
    const extrinsic = signed(node, commit('aa'), miner);
    node.submit(extrinsic.hex);
    const before = [await node.produceBlock(), await node.produceBlock()];
    node.submit(signed(node, commit('bb'), miner).hex);
    disk.fill(100);
    await expect(node.produceBlock()).rejects.toMatchObject({ name: 'ChainUnavailable' });
    await expect(node.reorganise(1)).rejects.toMatchObject({ name: 'ChainUnavailable' });
    expect(node.metagraph(1, before[1]!.hash).at).toEqual(before[1]);
    disk.fill(Infinity);
    const next = await node.produceBlock();
    expect(next.number).toBe(3);
    expect(node.commitments(1, next.hash)).toMatchObject([{ block: 3, data: 'bb' }]);
    await node.close();
    node = await open();
    expect(node.metagraph(1, next.hash).at).toEqual(next);
  });
});
