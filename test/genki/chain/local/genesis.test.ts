import { describe, expect, it } from 'vitest';
import { Genesis, genesisHash } from '../../../../genki/chain/local/genesis.ts';
import { genesis, miner } from '../support.ts';

describe('a genesis', () => {
  it('scales the chain to its tempo unless told otherwise', () => {
    expect(genesis({ tempo: 360 })).toMatchObject({ tempo: 360, activityCutoff: 5000, netuid: 1, commitmentBytes: 128, commitmentSpace: 3100 });
  });

  it('has one hash, whatever the order of its fields', () => {
    const rules = genesis();
    const reversed = Object.fromEntries(Object.entries(rules).reverse()) as Genesis;
    expect(genesisHash(reversed)).toBe(genesisHash(rules));
    expect(genesisHash(genesis({ kappa: 1 }))).not.toBe(genesisHash(rules));
  });

  it('of an earlier version is refused in so many words', () => {
    const { version: _, ...earlier } = genesis();
    expect(Genesis.safeParse(earlier).error?.issues[0]?.message).toContain('a chain of an earlier version cannot be carried on');
  });

  it('asks nothing new of those who set weights in the open', () => {
    expect(genesis()).toMatchObject({ schedule: 'stateful', adminFreezeWindow: 1, beacon: null, balances: [], transactionFee: '0', burn: { price: '0', min: '0' }, commitReveal: { enabled: false } });
  });

  const neuron = { hotkey: miner.hotkey, coldkey: miner.hotkey, stake: '1', validatorPermit: false };
  it.each([
    ['an unknown field', { sudo: true }],
    ['tempo 0', { tempo: 0 }],
    ['the root network', { netuid: 0 }],
    ['an owner that is no address', { owner: 'me' }],
    ['negative stake', { neurons: [{ ...neuron, stake: '-1' }] }],
    ['fractional stake', { neurons: [{ ...neuron, stake: '1.5' }] }],
    ['stake as a number', { neurons: [{ ...neuron, stake: 1 }] }],
    ['a hotkey twice', { neurons: [neuron, neuron] }],
    ['more neurons than places', { maxNeurons: 1 }],
    ['alphas the wrong way round', { alphaLow: 2, alphaHigh: 1 }],
    ['another schedule', { schedule: 'cron' }],
    ['a balance twice', { balances: [{ account: miner.hotkey, balance: '1' }, { account: miner.hotkey, balance: '2' }] }],
    ['a price outside its bounds', { burn: { ...genesis().burn, price: '1', max: '0' } }],
    ['a price that falls with each registration', { burn: { ...genesis().burn, increasePpm: 999_999 } }],
    ['a beacon that is no point of the curve', { beacon: { publicKey: 'ab'.repeat(96) } }],
    ['reveals in the epoch of their commit', { commitReveal: { enabled: true, periodEpochs: 0, version: 4 } }],
  ])('is refused with %s', (_, change) => {
    expect(Genesis.safeParse({ ...genesis(), ...change }).success).toBe(false);
  });
});
