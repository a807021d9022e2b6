import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSigner } from '../../../../genki/chain/keys.ts';
import type { LocalNode } from '../../../../genki/chain/local/node.ts';
import { authorRandomness } from '../../../../genki/chain/local/block.ts';
import { commit, land, miner, owner, produce, secret, setWeights, signed, startNode, stranger, validator } from '../support.ts';

let node: LocalNode;
let stop: () => Promise<void>;
beforeEach(async () => ({ node, stop } = await startNode()));
afterEach(() => stop());

const refusal = (code: string): unknown => expect.objectContaining({ name: 'ExtrinsicRefused', code });
const said = (data: string): object => ({ data, fields: [{ kind: 'raw', data }] });
const outcomeOf = (act: () => void): unknown => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('nonces', () => {
  it('let the same bytes in once, however often they are sent', async () => {
    const extrinsic = signed(node, commit('aa'), miner);
    node.submit(extrinsic.hex);
    node.submit(extrinsic.hex);
    await produce(node, 3);
    node.submit(extrinsic.hex);
    await produce(node, 3);
    expect(node.landing(extrinsic)).toMatchObject({ kind: 'included', block: { number: 1 }, index: 0 });
    expect(node.signing(miner.hotkey).nonce).toBe(1);
  });

  it('refuse other bytes with a nonce that waits or was used', async () => {
    const first = signed(node, commit('aa'), miner);
    const other = signed(node, commit('bb'), miner);
    node.submit(first.hex);
    expect(outcomeOf(() => node.submit(other.hex))).toEqual(refusal('TooLowPriority'));
    await produce(node, 3);
    expect(outcomeOf(() => node.submit(other.hex))).toEqual(refusal('Stale'));
    expect(node.landing(other)).toEqual({ kind: 'nonceTaken' });
  });

  it('make a future one wait for its turn', async () => {
    const [later, first] = [signed(node, commit('bb'), miner, { nonce: 1 }), signed(node, commit('aa'), miner)];
    node.submit(later.hex);
    await produce(node, 4);
    expect(node.landing(later)).toEqual({ kind: 'pending' });
    node.submit(first.hex);
    await produce(node, 3);
    expect([node.landing(first), node.landing(later)]).toMatchObject([{ kind: 'included', index: 0 }, { kind: 'included', index: 1 }]);
  });

  it('are not taken from too far ahead', () => {
    expect(outcomeOf(() => node.submit(signed(node, commit('aa'), miner, { nonce: 64 }).hex))).toEqual(refusal('Future'));
  });

  it('count what waits in the pool', () => {
    node.submit(signed(node, commit('aa'), miner).hex);
    node.submit(signed(node, commit('bb'), miner).hex);
    expect(node.signing(miner.hotkey).nonce).toBe(2);
    expect(node.signing(validator.hotkey).nonce).toBe(0);
  });
});

describe('the era', () => {
  it('ends: an extrinsic that was not sent in time can never land', async () => {
    const extrinsic = signed(node, commit('aa'), miner, { period: 32 });
    await produce(node, 31);
    expect(node.landing(extrinsic)).toEqual({ kind: 'pending' });
    await produce(node, 3);
    expect(node.landing(extrinsic)).toEqual({ kind: 'expired' });
    expect(outcomeOf(() => node.submit(extrinsic.hex))).toEqual(refusal('AncientBirthBlock'));
  });

  it('includes its last block', async () => {
    const extrinsic = signed(node, commit('aa'), miner, { period: 32 });
    await produce(node, 31);
    node.submit(extrinsic.hex);
    await produce(node, 3);
    expect(node.landing(extrinsic)).toMatchObject({ kind: 'included', block: { number: 32 } });
  });

  it('empties the pool of what waited too long for an earlier nonce', async () => {
    const later = signed(node, commit('bb'), miner, { nonce: 1, period: 32 });
    node.submit(later.hex);
    await produce(node, 34);
    expect(node.landing(later)).toEqual({ kind: 'expired' });
    await land(node, commit('aa'), miner);
    expect(node.signing(miner.hotkey).nonce).toBe(1);
  });
});

describe('the pool', () => {
  it.each([
    ['another genesis', { genesisHash: `0x${'0'.repeat(64)}` }],
    ['another runtime', { specVersion: 1 }],
    ['another fork', { birthHash: `0x${'0'.repeat(64)}` }],
  ])('refuses what was signed for %s', (_, change) => {
    expect(outcomeOf(() => node.submit(signed(node, commit('aa'), miner, change).hex))).toEqual(refusal('BadProof'));
  });

  it("refuses another key's signature and a birth to come", () => {
    const thief = { ...createSigner('//thief'), hotkey: miner.hotkey };
    expect(outcomeOf(() => node.submit(signed(node, commit('aa'), thief).hex))).toEqual(refusal('BadProof'));
    const { hex } = signed(node, commit('aa'), miner);
    const bornAt = 2 * (1 + 32 + 64 + 4);
    expect(outcomeOf(() => node.submit(`${hex.slice(0, bornAt)}05${hex.slice(bornAt + 2)}`))).toEqual(refusal('BadProof'));
  });

  it('refuses bytes that are no extrinsic', () => {
    expect(outcomeOf(() => node.submit('01'))).toEqual(refusal('BadFormat'));
  });

  it('refuses what the runtime refuses before a block', async () => {
    expect(outcomeOf(() => node.submit(signed(node, commit('00'.repeat(129)), miner).hex))).toEqual(refusal('CommitmentTooLong'));
    expect(outcomeOf(() => node.submit(signed(node, setWeights([0], [1]), miner).hex))).toEqual(refusal('NotEnoughStakeToSetWeights'));
    await land(node, setWeights([1], [1]), validator);
    node.submit(signed(node, setWeights([1], [2]), validator).hex);
    await produce(node, 1);
    expect(outcomeOf(() => node.submit(signed(node, setWeights([1], [3]), validator).hex))).toEqual(refusal('SettingWeightsTooFast'));
  });

  it('lets other failures into a block, by the name of the error', async () => {
    expect(await land(node, commit('aa'), stranger)).toMatchObject({ kind: 'failed', code: 'AccountNotAllowedCommit' });
    expect(await land(node, setWeights([7], [1]), validator)).toMatchObject({ kind: 'failed', code: 'UidVecContainInvalidOne' });
    expect(await land(node, { kind: 'triggerEpoch', netuid: 1 }, validator)).toMatchObject({ kind: 'failed', code: 'BadOrigin' });
  });
});

describe('finality', () => {
  it('trails by its lag, and landing tells finalized blocks only', async () => {
    const extrinsic = signed(node, commit('aa'), miner);
    node.submit(extrinsic.hex);
    expect((await node.produceBlock()).number).toBe(1);
    expect(node.head().number).toBe(0);
    await produce(node, 1);
    expect(node.landing(extrinsic)).toEqual({ kind: 'pending' });
    await produce(node, 1);
    expect(node.head().number).toBe(1);
    expect(node.landing(extrinsic).kind).toBe('included');
    expect(() => node.blockHash(2)).toThrow('Expected a finalized block, up to 1, got 2');
  });

  it("draws block hashes that only the author's secret tells", async () => {
    const other = await startNode();
    expect((await node.produceBlock()).hash).toBe((await other.node.produceBlock()).hash);
    await other.stop();
    expect(authorRandomness(secret, node.blockHash(0))).not.toBe(authorRandomness(new Uint8Array(32), node.blockHash(0)));
  });
});

describe('epochs', () => {
  it('run every tempo blocks, before the extrinsics of their block', async () => {
    await produce(node, 8);
    node.submit(signed(node, setWeights([1], [1]), validator).hex);
    const nine = await node.produceBlock();
    expect(node.metagraph(1, nine.hash)).toMatchObject({ epoch: 0, epochStart: 0, nextEpoch: 10, tempo: 10 });
    const ten = await node.produceBlock();
    expect(node.metagraph(1, ten.hash)).toMatchObject({ epoch: 1, epochStart: 10, nextEpoch: 20 });
    expect(node.metagraph(1, ten.hash).neurons[1]).toMatchObject({ incentive: 65535, consensus: 65535, emission: '500000000' });
    expect(node.metagraph(1, ten.hash).neurons[0]).toMatchObject({ dividends: 65535, emission: '500000000', validatorPermit: true });
  });

  it('count weights of their own block only at the next one', async () => {
    await produce(node, 9);
    node.submit(signed(node, setWeights([1], [1]), validator).hex);
    const ten = await node.produceBlock();
    expect(node.weights(1, ten.hash)).toEqual([{ hotkey: validator.hotkey, weights: [{ uid: 1, weight: 65535 }] }]);
    expect(node.metagraph(1, ten.hash).neurons[1]!.incentive).toBe(0);
    await produce(node, 9);
    const twenty = await node.produceBlock();
    expect(node.metagraph(1, twenty.hash).neurons[1]!.incentive).toBe(65535);
  });

  it('come at the next block when the owner asks, and then a tempo later', async () => {
    node.submit(signed(node, { kind: 'triggerEpoch', netuid: 1 }, owner).hex);
    const one = await node.produceBlock();
    expect(node.metagraph(1, one.hash)).toMatchObject({ epoch: 0, nextEpoch: 2 });
    const two = await node.produceBlock();
    expect(node.metagraph(1, two.hash)).toMatchObject({ epoch: 1, epochStart: 2, nextEpoch: 12 });
  });

  it('give and take permits by stake', async () => {
    const neurons = [
      { hotkey: validator.hotkey, coldkey: owner.hotkey, stake: '5000000000', validatorPermit: true },
      { hotkey: miner.hotkey, coldkey: owner.hotkey, stake: '9000000000', validatorPermit: false },
    ];
    const other = await startNode({ maxValidators: 1, neurons });
    const permits = (hash: string): boolean[] => other.node.metagraph(1, hash).neurons.map((neuron) => neuron.validatorPermit);
    await produce(other.node, 8);
    expect(permits((await other.node.produceBlock()).hash)).toEqual([true, false]);
    expect(permits((await other.node.produceBlock()).hash)).toEqual([false, true]);
    await other.stop();
  });
});

describe('the past', () => {
  it('stays as it was: metagraph, commitments and weights of an old block', async () => {
    await land(node, commit('aa'), miner);
    const then = node.head();
    const before = [node.metagraph(1, then.hash), node.commitments(1, then.hash), node.weights(1, then.hash)];
    const copy = structuredClone(before);
    await land(node, commit('bb'), miner);
    await land(node, setWeights([1], [5]), validator);
    await land(node, { kind: 'register', netuid: 1, hotkey: stranger.hotkey, limitPrice: null }, stranger);
    await produce(node, 12);
    expect([node.metagraph(1, then.hash), node.commitments(1, then.hash), node.weights(1, then.hash)]).toEqual(copy);
    expect(node.metagraph(1, node.head().hash).neurons).toHaveLength(3);
    expect(node.commitments(1, node.head().hash)).toMatchObject([{ data: 'bb' }]);
  });

  it('knows no foreign block or subnet', () => {
    expect(() => node.metagraph(1, `0x${'0'.repeat(64)}`)).toThrow('Expected the hash of a block of this chain');
    expect(() => node.metagraph(2, node.head().hash)).toThrow('Expected subnet 1, got 2');
  });
});

describe('commitments', () => {
  it('are ordered by block, then index in the block, and only of the registered', async () => {
    node.submit(signed(node, { kind: 'register', netuid: 1, hotkey: stranger.hotkey, limitPrice: null }, stranger).hex);
    await produce(node, 1);
    for (const [signer, data] of [[stranger, '01'], [validator, '02']] as const) node.submit(signed(node, commit(data), signer).hex);
    await produce(node, 1);
    node.submit(signed(node, commit('03'), miner).hex);
    await produce(node, 3);
    expect(node.commitments(1, node.head().hash)).toEqual([
      { hotkey: stranger.hotkey, block: 2, indexInBlock: 0, ...said('01') },
      { hotkey: validator.hotkey, block: 2, indexInBlock: 1, ...said('02') },
      { hotkey: miner.hotkey, block: 3, indexInBlock: 0, ...said('03') },
    ]);
  });
});
