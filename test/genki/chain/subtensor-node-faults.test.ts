import { type ApiPromise, WsProvider } from '@polkadot/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNode, type SubtensorNode } from '../../support/subtensor-node/node-server.ts';
import { apiAt, connected, pair, raw, type Connected } from '../../support/subtensor-node/polkadot-api.ts';
import { miner } from './support.ts';

describe('a node that fails', () => {
  let here: Connected;
  let node: SubtensorNode;
  beforeAll(async () => {
    here = await connected();
    node = here.node;
    here.chain.produceBlocks(6);
  });
  afterAll(() => here.close());

  it('is another each time, and polkadot.js comes back to it', async () => {
    const { api, chain } = here;
    node.faults.set({ kind: 'reorder', count: 2 }, { methods: /chain_getBlockHash/ });
    expect((await Promise.all([api.rpc.chain.getBlockHash(1), api.rpc.chain.getBlockHash(2)])).map(String)).toEqual([chain.block(1)!.hash, chain.block(2)!.hash]);
    node.faults.clear();
    node.faults.set({ kind: 'error', code: -32000, message: 'Overloaded' }, { methods: /chain_getHeader/, times: 1 });
    await expect(api.rpc.chain.getHeader()).rejects.toThrow('Overloaded');
    node.faults.set({ kind: 'duplicate' }, { methods: /chain_getHeader/, times: 1 });
    expect((await api.rpc.chain.getHeader()).number.toNumber()).toBe(6);
    node.faults.set({ kind: 'hang' }, { methods: /system_health/, times: 1 });
    let answered = false;
    void api.rpc.system.health().then(() => (answered = true), () => undefined);
    node.faults.set({ kind: 'delay', ms: 30 }, { methods: /chain_getHeader/, times: 1 });
    expect((await api.rpc.chain.getHeader()).number.toNumber()).toBe(6);
    expect(answered).toBe(false);

    const back = new Promise((resolve) => api.once('connected', resolve));
    node.dropConnections();
    await back;
    expect((await api.rpc.chain.getHeader()).number.toNumber()).toBe(6);
    const { url } = node;
    await node.close();
    await expect.poll(() => api.isConnected).toBe(false);
    await node.listen();
    expect(node.url).toBe(url);
    await expect.poll(() => api.isConnected, { timeout: 10_000 }).toBe(true);
  });

  it('may lag, lie, and lose what it took', async () => {
    const { api, chain } = here;
    const behind = await startNode(chain);
    const late = await apiAt(behind.url);
    const provider = new WsProvider(behind.url);
    await provider.isReady;
    behind.view.lag = 4;
    expect((await late.rpc.chain.getHeader()).number.toNumber()).toBe(chain.best.header.number - 4);
    expect((await late.rpc.chain.getFinalizedHead()).toHex()).toBe(chain.block(chain.best.header.number - 4)!.hash);
    await expect(provider.send('state_getStorage', ['0x00', chain.best.hash])).rejects.toThrow('Header was not found');
    expect(await provider.send('chain_getHeader', [chain.best.hash])).toBeNull();
    await provider.disconnect();
    behind.view.lag = 0;

    chain.dropNext();
    const lost = await raw(api, '07').signAsync(pair('//miner'), { era: 32 });
    await lost.send();
    behind.view.claim(chain.best.header.number + 1, lost.toHex());
    chain.produceBlocks(3);
    const at = chain.finalized.hash;
    const told = async (from: ApiPromise) => ((await (await from.at(at)).query['system']!['events']!()) as unknown as unknown[]).length;
    expect([(await api.rpc.chain.getBlock(at)).block.extrinsics.length, (await late.rpc.chain.getBlock(at)).block.extrinsics.length]).toEqual([1, 2]);
    expect([await told(api), await told(late)]).toEqual([1, 2]);
    expect((await (await late.at(at)).query['system']!['account']!(miner.hotkey)).toJSON()).toMatchObject({ nonce: 0 });
    await late.disconnect();
    await behind.close();
  });

  it('reorganises: what it dropped waits again, and its state is gone once the other branch is final', async () => {
    const { api, chain } = here;
    const sent = await raw(api, '08').signAsync(pair('//miner'), { era: 32 });
    await sent.send();
    const dropped = chain.produceBlocks(1);
    expect(dropped.signed).toHaveLength(1);
    chain.reorganise(1);
    expect((await api.rpc.author.pendingExtrinsics()).map((extrinsic) => extrinsic.hash.toHex())).toEqual([sent.hash.toHex()]);
    const again = chain.produceBlocks(1);
    expect(again.signed).toHaveLength(1);
    expect([again.header.number, again.hash === dropped.hash]).toEqual([dropped.header.number, false]);
    expect((await api.rpc.chain.getHeader(dropped.hash)).hash.toHex()).toBe(dropped.hash);
    chain.produceBlocks(3);
    await expect(api.rpc.state.getMetadata(dropped.hash)).rejects.toThrow('State already discarded');
    expect(() => chain.reorganise(5)).toThrow('Expected to drop 1 to 2 blocks');
  });

  it('tells of the newest alone, when many blocks become final together', async () => {
    const { api, chain } = here;
    const heads: number[] = [];
    const stop = await api.rpc.chain.subscribeFinalizedHeads((header) => void heads.push(header.number.toNumber()));
    const { number } = chain.finalized.header;
    chain.holdFinality(true);
    chain.produceBlocks(5);
    chain.holdFinality(false);
    await expect.poll(() => heads).toEqual([number, number + 5]);
    stop();
  });
});
