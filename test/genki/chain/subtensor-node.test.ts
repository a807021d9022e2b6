import { WsProvider } from '@polkadot/api';
import type { SubmittableExtrinsic } from '@polkadot/api/types';
import type { KeyringPair } from '@polkadot/keyring/types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorBeacon } from '../../../genki/chain/local/block.ts';
import { LEGACY, NO_VIEWS } from '../../support/subtensor-node/metadata.ts';
import { connected, finalized, pair, raw, type Connected } from '../../support/subtensor-node/polkadot-api.ts';
import { wireRuntime } from '../../support/subtensor-node/wire-runtime.ts';
import { miner, owner, secret, stranger, validator } from './support.ts';

describe('the node of the tests', () => {
  let here: Connected;
  beforeAll(async () => {
    here = await connected();
    here.chain.produceBlocks(12);
  });
  afterAll(() => here.close());

  it('is a chain to polkadot.js', async () => {
    const { api, chain } = here;
    expect(api.runtimeVersion.specVersion.toNumber()).toBe(424);
    expect(api.genesisHash.toHex()).toBe(chain.block(0)!.hash);
    const header = await api.rpc.chain.getHeader();
    // the library's own hash of the header that it decoded
    expect(header.hash.toHex()).toBe(chain.best.hash);
    expect((await api.rpc.chain.getFinalizedHead()).toHex()).toBe(chain.finalized.hash);
    const block = await api.rpc.chain.getBlock(chain.best.hash);
    expect(block.block.extrinsics.map(({ method }) => `${method.section}.${method.method}`)).toEqual(['timestamp.set']);
    expect((await api.query['timestamp']!['now']!()).toString()).toBe(String(chain.best.timeMs));
    expect(await api.rpc.chain.getBlockHash(99)).toMatchObject({ isEmpty: true });
  });

  it('tells a subnet by the runtime, and the same from storage', async () => {
    const { api, chain } = here;
    const at = await api.at(chain.finalized.hash);
    const view = (await at.call['subnetInfoRuntimeApi']!['getMetagraph']!(1)).toJSON() as Record<string, unknown>;
    expect(view).toMatchObject({ netuid: 1, ownerHotkey: owner.hotkey, hotkeys: [validator.hotkey, miner.hotkey], coldkeys: [owner.hotkey, owner.hotkey], validatorPermit: [true, false], totalStake: [5_000_000_000, 0], numUids: 2, tempo: 10, block: 10 });
    expect((await at.call['subnetInfoRuntimeApi']!['getMetagraph']!(2)).toJSON()).toBeNull();

    const pallet = at.query['subtensorModule']!;
    const hotkeys = (await pallet['keys']!.entries(1)).map(([key, hotkey]) => [key.args[1]!.toString(), hotkey.toString()]);
    expect(hotkeys).toEqual([['0', validator.hotkey], ['1', miner.hotkey]]);
    expect(await Promise.all(['validatorPermit', 'lastUpdate', 'emission', 'active'].map(async (name) => (await pallet[name]!(1)).toJSON()))).toEqual(['validatorPermit', 'lastUpdate', 'emission', 'active'].map((name) => view[name]));
    expect((await pallet['uids']!.multi([[1, validator.hotkey], [1, miner.hotkey], [1, owner.hotkey]])).map((uid) => uid.toJSON())).toEqual([0, 1, null]);
    expect((await pallet['totalHotkeyAlpha']!(validator.hotkey, 1)).toString()).toBe('5000000000');
    // nobody has weights: a default
    expect((await pallet['weights']!(1, 0)).toJSON()).toEqual([]);

    const parts = (await at.call['subnetInfoRuntimeApi']!['getSelectiveMetagraph']!(1, [52, 72])).toJSON();
    expect(parts).toMatchObject({ hotkeys: [validator.hotkey, miner.hotkey], validators: [0], coldkeys: null });
    const lite = (await at.call['neuronInfoRuntimeApi']!['getNeuronsLite']!(1)).toJSON();
    expect(lite).toMatchObject([{ hotkey: validator.hotkey, uid: 0, stake: [[owner.hotkey, 5_000_000_000]] }, { hotkey: miner.hotkey, uid: 1 }]);
  });

  it('tells its rules and its epochs', async () => {
    const { api, chain } = here;
    const { hash } = chain.best;
    const at = await api.at(hash);
    const api2 = at.call['subnetInfoRuntimeApi']!;
    expect((await api2['getSubnetHyperparamsV2']!(1)).toJSON()).toMatchObject({ tempo: 10, weightsRateLimit: 3, commitRevealWeightsEnabled: false, yumaVersion: 3 });
    expect((await api2['getSubnetHyperparamsV3']!(1)).toHuman()).toContainEqual({ name: 'tempo', value: { U16: '10' } });
    expect((await api2['getNextEpochStartBlock']!(1)).toJSON()).toBe(20);
    expect((await at.query['subtensorModule']!['subnetEpochIndex']!(1)).toJSON()).toBe(1);
    expect((await at.query['subtensorModule']!['lastEpochBlock']!(1)).toJSON()).toBe(10);
  });

  it('takes a commitment signed by polkadot.js, and shows its events once it is final', async () => {
    const { api, chain } = here;
    const { events, name, block } = await finalized(here, raw(api, '0a0b0c'), pair('//miner'));
    expect({ events, name }).toEqual({ events: ['commitments.Commitment', 'system.ExtrinsicSuccess'], name: undefined });
    const at = await api.at(block);
    const { number } = chain.blockOf(block)!.header;
    expect((await at.query['commitments']!['commitmentOf']!(1, miner.hotkey)).toJSON()).toEqual({ deposit: 0, block: number, info: { fields: [{ raw3: '0x0a0b0c' }] } });
    expect((await at.query['commitments']!['usedSpaceOf']!(1, miner.hotkey)).toJSON()).toEqual({ lastEpoch: 1, usedSpace: 100 });
    expect((await at.query['system']!['account']!(miner.hotkey)).toJSON()).toMatchObject({ nonce: 1 });
    expect((await api.rpc.system.accountNextIndex(miner.hotkey)).toNumber()).toBe(1);
    const signed = (await api.rpc.chain.getBlock(block)).block.extrinsics[1]!;
    expect(signed.signer.toString()).toBe(miner.hotkey);
  });

  it('names in its events what the runtime refused', async () => {
    const { api } = here;
    const weights = (uids: number[]) => api.tx['subtensorModule']!['setWeights']!(1, uids, uids.map(() => 1), 0);
    expect(await finalized(here, weights([0, 0]), pair('//validator'))).toMatchObject({ name: 'DuplicateUids', events: ['system.ExtrinsicFailed'] });
    expect(await finalized(here, weights([1]), pair('//validator'))).toMatchObject({ name: undefined, events: ['subtensorModule.WeightsSet', 'system.ExtrinsicSuccess'] });
    expect(await finalized(here, raw(api, '01'), pair('//stranger'))).toMatchObject({ name: 'AccountNotAllowedCommit' });
    expect(await finalized(here, api.tx['subtensorModule']!['triggerEpoch']!(1), pair('//miner'))).toMatchObject({ name: 'BadOrigin' });
    expect(await finalized(here, api.tx['system']!['remark']!('0x01'), pair('//miner'))).toMatchObject({ name: undefined, events: ['system.ExtrinsicSuccess'] });
    expect(await finalized(here, api.tx['balances']!['transferKeepAlive']!(miner.hotkey, 1), pair('//stranger'))).toMatchObject({ name: 'CallFiltered' });
  });

  it('refuses in the words of a real one', async () => {
    const { api, chain } = here;
    const refusal = (call: SubmittableExtrinsic<'promise'>, signer: KeyringPair, options: object = {}) => call.signAndSend(signer, { era: 32, ...options }).then(String, (error: { code: number; data?: string }) => `${error.code} ${error.data ?? ''}`);
    const nonce = (await api.rpc.system.accountNextIndex(miner.hotkey)).toNumber();
    const weights = api.tx['subtensorModule']!['setWeights']!(1, [0], [1], 0);
    expect(await refusal(weights, pair('//miner'))).toBe('1010 Custom error: 1');
    expect(await refusal(weights, pair('//validator'))).toMatch(/^0x/);
    chain.produceBlocks(1);
    expect(await refusal(weights, pair('//validator'))).toBe('1010 Custom error: 6');
    expect(await refusal(raw(api, '02'), pair('//miner'), { nonce: nonce - 1 })).toBe('1010 Transaction is outdated');
    expect(await refusal(raw(api, '02'), pair('//miner'), { nonce: nonce + 100 })).toBe('1010 Transaction will be valid in the future');
    expect(await refusal(raw(api, '02'), pair('//miner'), { era: 0, genesisHash: chain.best.hash })).toBe('1010 Transaction has a bad signature');
    const first = await raw(api, '03').signAsync(pair('//miner'), { era: 32 });
    expect((await first.send()).toHex()).toBe(first.hash.toHex());
    await expect(first.send()).rejects.toMatchObject({ code: 1013 });
    expect(await refusal(raw(api, '04'), pair('//miner'), { nonce })).toMatch(/^1014 /);
    chain.produceBlocks(1);
    await expect(first.send()).rejects.toMatchObject({ code: 1012 });
    const provider = new WsProvider(here.node.url);
    await provider.isReady;
    await expect(provider.send('author_submitExtrinsic', ['0xff00'])).rejects.toMatchObject({ code: 1001 });
    await expect(provider.send('author_submitExtrinsic', ['0x0404'])).rejects.toMatchObject({ code: 1002 });
    await expect(provider.send('engine_createBlock', [])).rejects.toMatchObject({ code: -32601 });
    await provider.disconnect();
  });

  it('follows heads, storage and what it is told of the past', async () => {
    const { api, chain } = here;
    const [best, final, nonces]: number[][] = [[], [], []];
    const stop = await Promise.all([
      api.rpc.chain.subscribeNewHeads((header) => void best!.push(header.number.toNumber())),
      api.rpc.chain.subscribeFinalizedHeads((header) => void final!.push(header.number.toNumber())),
      api.query['system']!['account']!(miner.hotkey, (account: { nonce: { toNumber: () => number } }) => void nonces!.push(account.nonce.toNumber())),
    ]);
    const { number } = chain.best.header;
    await raw(api, '05').signAndSend(pair('//miner'), { era: 32 });
    chain.produceBlocks(3);
    await expect.poll(() => [best, final, nonces!.length]).toEqual([[number, number + 1, number + 2, number + 3], [number - 2, number - 1, number, number + 1], 2]);
    expect(nonces![1]).toBe(nonces![0]! + 1);
    for (const end of stop as (() => void)[]) end();

    chain.prune(5);
    await expect(api.at(chain.block(2)!.hash).then((at) => at.query['timestamp']!['now']!())).rejects.toThrow('4003: Client error: UnknownBlock: State already discarded');
    chain.prune(Number.POSITIVE_INFINITY);
  });
});

describe('a node of another runtime', () => {
  it('has the storage alone, where there are no views', async () => {
    const here = await connected({ beacon: authorBeacon(secret) }, NO_VIEWS);
    try {
      expect(here.api.call['subnetInfoRuntimeApi']).toBeUndefined();
      const { subtensorModule, drand } = here.api.query;
      expect((await subtensorModule!['subnetworkN']!(1)).toJSON()).toBe(2);
      here.chain.produceBlocks(2);
      expect((await drand!['lastStoredRound']!()).toJSON()).toBe(2);
      expect((await drand!['beaconConfig']!()).toJSON()).toMatchObject({ publicKey: `0x${authorBeacon(secret).publicKey}`, period: 12 });
      expect((await drand!['pulses']!(2)).toJSON()).toMatchObject({ round: 2 });
    } finally {
      await here.close();
    }
  });

  it('has no counter of epochs, where they go by the block', async () => {
    const here = await connected({ schedule: 'stateless' }, { ...LEGACY, specVersion: 393 });
    try {
      const { api } = here;
      expect([api.query['subtensorModule']!['subnetEpochIndex'], api.call['subnetInfoRuntimeApi']!['getNextEpochStartBlock'], api.tx['subtensorModule']!['registerLimit'], api.tx['subtensorModule']!['triggerEpoch']]).toEqual([undefined, undefined, undefined, undefined]);
      expect((await api.call['subnetInfoRuntimeApi']!['getMetagraph']!(1)).toJSON()).toMatchObject({ netuid: 1 });
      expect(await finalized(here, api.tx['subtensorModule']!['burnedRegister']!(1, stranger.hotkey), pair('//stranger'))).toMatchObject({ name: undefined, events: ['subtensorModule.NeuronRegistered', 'system.ExtrinsicSuccess'] });
    } finally {
      await here.close();
    }
  });

  it('comes in the middle: what was signed for the old one is no proof, and the library reads on', async () => {
    const here = await connected();
    try {
      const { api, chain } = here;
      const old = [await raw(api, '01').signAsync(pair('//miner'), { era: 32 }), await api.tx['system']!['remark']!('0x').signAsync(pair('//stranger'), { era: 32 })];
      chain.upgrade(wireRuntime({ specVersion: 425, palletIndex: { Commitments: 118 } }));
      chain.produceBlocks(1);
      // what the new one cannot read makes it trap
      await expect(old[0]!.send()).rejects.toMatchObject({ code: 1002 });
      await expect(old[1]!.send()).rejects.toMatchObject({ code: 1010, data: 'Transaction has a bad signature' });
      await expect.poll(() => api.runtimeVersion.specVersion.toNumber()).toBe(425);
      expect(raw(api, '01').method.callIndex[0]).toBe(118);
      const landed = await finalized(here, raw(api, '02'), pair('//miner'));
      expect(landed).toMatchObject({ name: undefined, events: ['commitments.Commitment', 'system.ExtrinsicSuccess'] });
      // the block that upgraded was another runtime's
      const events = await (await api.at(chain.block(1)!.hash)).query['system']!['events']!();
      expect((events as unknown as { event: { method: string } }[]).map(({ event }) => event.method)).toEqual(['ExtrinsicSuccess', 'CodeUpdated']);
    } finally {
      await here.close();
    }
  });
});
