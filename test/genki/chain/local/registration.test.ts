import { describe, expect, it } from 'vitest';
import type { Signer } from '../../../../genki/chain/chain.ts';
import { createSigner } from '../../../../genki/chain/keys.ts';
import { burnAfterBlock } from '../../../../genki/chain/local/burn.ts';
import type { Genesis } from '../../../../genki/chain/local/genesis.ts';
import { balanceOf, commitmentsOf, hyperparametersOf } from '../../../../genki/chain/local/views.ts';
import { commit, genesis, miner, owner, registration, setWeights, stranger, validator } from '../support.ts';
import { Subnet } from './subnet.ts';

const newcomer = createSigner('//newcomer');
const coldkey = createSigner('//coldkey');
const burn = { price: '100000000', min: '500000', max: '120000000', halfLife: 10, increasePpm: 1_260_000 };
const rich = [{ account: coldkey.hotkey, balance: '1000000000' }];
const neuron = ({ hotkey }: Signer, stake = '0'): Genesis['neurons'][number] => ({ hotkey, coldkey: owner.hotkey, stake, validatorPermit: stake !== '0' });

describe('register', () => {
  it('gives the next uid, without stake or permit, to the hotkey of the coldkey that signs', () => {
    const subnet = new Subnet().block();
    expect(subnet.call(coldkey, registration(stranger.hotkey))).toBeUndefined();
    expect(subnet.state.uids.get(stranger.hotkey)).toBe(2);
    expect(subnet.neuron(stranger)).toMatchObject({ hotkey: stranger.hotkey, registeredAt: 1, lastUpdate: 1, validatorPermit: false });
    expect(subnet.account(stranger)).toMatchObject({ coldkey: coldkey.hotkey, stake: 0n });
  });

  it('burns the price, which rises with each registration and stays below its maximum', () => {
    const subnet = new Subnet({ burn, balances: rich }).block();
    expect(subnet.call(coldkey, registration(stranger.hotkey, { limitPrice: burn.price }))).toBeUndefined();
    expect(subnet.state).toMatchObject({ burn: 120_000_000n, recycled: 100_000_000n });
    expect(balanceOf(subnet.state, coldkey.hotkey)).toBe('900000000');
    expect(subnet.call(coldkey, registration(newcomer.hotkey))).toBeUndefined();
    expect(balanceOf(subnet.state, coldkey.hotkey)).toBe('780000000');
  });

  it('lets the price fall by half in its half-life, down to its minimum', () => {
    const subnet = new Subnet({ burn }).block(1);
    expect(subnet.state.burn).toBe(100_000_000n);
    // each block cuts below one rao, and the factor itself to 32 bits
    expect(Number(subnet.block(11).state.burn)).toBeCloseTo(50_000_000, -2);
    expect(Number(subnet.block(21).state.burn)).toBeCloseTo(25_000_000, -2);
    expect(hyperparametersOf(subnet.block(120).state, subnet.genesis, { number: 120, hash: '0x' }).burn).toBe('500000');
  });

  it('cuts the price by the factor that the runtime finds', () => {
    // the default half-life: 2^32 · 0.5^(1/360) = 4286705684.07
    expect(burnAfterBlock(2n ** 32n, genesis({ burn: { ...burn, min: '0', price: '0', max: String(2n ** 40n), halfLife: 360 } }))).toBe(4286705684n);
  });

  it('fails by name, in the order of the runtime', () => {
    const subnet = new Subnet({ burn, balances: [{ account: coldkey.hotkey, balance: '99999999' }], maxNeurons: 2 }).block();
    const dear = { limitPrice: '99999999' };
    expect(subnet.call(coldkey, registration(miner.hotkey, { ...dear, netuid: 0 }))).toBe('RegistrationNotPermittedOnRootSubnet');
    expect(subnet.call(coldkey, registration(miner.hotkey, { ...dear, netuid: 2 }))).toBe('SubnetNotExists');
    expect(subnet.call(coldkey, registration(miner.hotkey, dear))).toBe('RegistrationPriceLimitExceeded');
    expect(subnet.call(coldkey, registration(miner.hotkey))).toBe('HotKeyAlreadyRegisteredInSubNet');
    expect(subnet.call(coldkey, registration(stranger.hotkey))).toBe('NotEnoughBalanceToStake');
    expect(subnet.state).toMatchObject({ burn: 100_000_000n, recycled: 0n });
  });

  it('takes its fee whether or not it succeeds, and belongs in no block without', () => {
    const subnet = new Subnet({ transactionFee: '600000000', balances: rich }).block();
    expect(subnet.call(coldkey, registration(miner.hotkey))).toBe('HotKeyAlreadyRegisteredInSubNet');
    expect(balanceOf(subnet.state, coldkey.hotkey)).toBe('400000000');
    expect(subnet.precheck(coldkey, registration(stranger.hotkey))).toBe('Payment');
    expect(() => subnet.call(coldkey, registration(stranger.hotkey))).toThrow('a balance of 600000000 rao');
    expect(subnet.call(miner, commit('aa'))).toBeUndefined();
  });
});

describe('a full subnet', () => {
  const full = (settings: Partial<Genesis> = {}): Subnet =>
    new Subnet({ maxNeurons: 4, immunityPeriod: 5, neurons: [neuron(owner), neuron(validator, '5000000000'), neuron(miner), neuron(stranger)], ...settings });

  it('replaces the lowest emission among those past their immunity', () => {
    const subnet = full();
    subnet.block().call(validator, setWeights([2], [1]));
    expect(subnet.block(10).neuron(miner).emission).toBeGreaterThan(0n);
    expect(subnet.call(coldkey, registration(newcomer.hotkey))).toBeUndefined();
    expect(subnet.state.uids.get(newcomer.hotkey)).toBe(3);
    expect(subnet.state.uids.has(stranger.hotkey)).toBe(false);
    expect(subnet.state.neurons).toHaveLength(4);
  });

  it('prefers the earlier registration, then the lower uid, and never the owner', () => {
    const subnet = full().block(5);
    const order = ['a', 'b', 'c', 'd'].map((name) => {
      const { hotkey } = createSigner(`//${name}`);
      expect(subnet.block().call(coldkey, registration(hotkey))).toBeUndefined();
      return subnet.state.uids.get(hotkey);
    });
    expect(order).toEqual([1, 2, 3, 1]);
    expect(subnet.state.uids.get(owner.hotkey)).toBe(0);
  });

  it("keeps the owner's first hotkey where the owner's own is not registered", () => {
    const subnet = full({ maxNeurons: 2, neurons: [neuron(miner), neuron(stranger)] }).block(5);
    subnet.call(coldkey, registration(newcomer.hotkey));
    expect([...subnet.state.uids.keys()]).toEqual([miner.hotkey, newcomer.hotkey]);
  });

  it('lets the immune give way when too few others are left, and refuses when only the owner is', () => {
    const few = full({ immunityPeriod: 1000 }).block();
    expect(few.call(coldkey, registration(newcomer.hotkey))).toBeUndefined();
    const some = full({ minNonImmuneNeurons: 2, immunityPeriod: 5 }).block(5);
    some.call(coldkey, registration(newcomer.hotkey));
    // two are left past their immunity: as many as have to stay
    expect(some.call(coldkey, registration(createSigner('//a').hotkey))).toBeUndefined();
    expect(some.state.uids.has(newcomer.hotkey)).toBe(false);
    const alone = full({ maxNeurons: 1, neurons: [neuron(owner)] }).block(100);
    expect(alone.call(coldkey, registration(newcomer.hotkey))).toBe('NoNeuronIdAvailable');
  });

  it("hands over a clean uid: nobody's weights or bonds, no commitment", () => {
    const subnet = full({ maxNeurons: 4, immunityPeriod: 5 });
    subnet.block().call(validator, setWeights([2, 3], [65535, 30000]));
    subnet.call(stranger, commit('aa'));
    subnet.block(10);
    expect(subnet.neuron(validator).bonds.map(([j]) => j)).toEqual([2, 3]);
    subnet.block(12).call(coldkey, registration(newcomer.hotkey));
    expect(subnet.state.uids.get(newcomer.hotkey)).toBe(3);
    expect(subnet.neuron(newcomer)).toMatchObject({ registeredAt: 12, lastUpdate: 12, weights: [], bonds: [], emission: 0n });
    expect(subnet.neuron(validator).weights).toEqual([[2, 65535], [3, 0]]);
    expect(commitmentsOf(subnet.state)).toEqual([]);
    expect(subnet.block(20).neuron(validator).bonds.map(([j]) => j)).toEqual([2]);
  });

  it('takes a hotkey back with its stake, at the hand of its own coldkey, and hides what it committed before', () => {
    const subnet = full({ maxNeurons: 2, neurons: [neuron(owner), neuron(validator, '5000000000')], balances: rich });
    subnet.block(1).call(validator, commit('aa'));
    subnet.block(5).call(coldkey, registration(newcomer.hotkey));
    expect(subnet.call(validator, commit('bb'))).toBe('AccountNotAllowedCommit');
    expect(subnet.block(10).call(coldkey, registration(validator.hotkey))).toBe('NonAssociatedColdKey');
    expect(subnet.call(owner, registration(validator.hotkey))).toBeUndefined();
    expect(subnet.account(validator).stake).toBe(5_000_000_000n);
    expect(commitmentsOf(subnet.state)).toEqual([]);
    expect(subnet.block(20).neuron(validator).validatorPermit).toBe(true);
  });
});
