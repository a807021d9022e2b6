import { describe, expect, it } from 'vitest';
import type { Call, CommitmentField, Signer } from '../../../../genki/chain/chain.ts';
import type { Genesis } from '../../../../genki/chain/local/genesis.ts';
import { applyExtrinsic, beginBlock } from '../../../../genki/chain/local/runtime.ts';
import { accountOf, genesisState, type State } from '../../../../genki/chain/local/state.ts';
import { commitmentsOf } from '../../../../genki/chain/local/views.ts';
import { commit, commitFields, genesis, miner, owner, registration, setWeights, stranger, validator } from '../support.ts';

/** Applies calls in one block after another and returns the last state and error name. */
function run(calls: readonly (readonly [Signer, Call])[], settings: Partial<Genesis> = {}): { state: State; code: string | undefined } {
  const rules = genesis(settings);
  let state = genesisState(rules);
  let code: string | undefined;
  for (const [signer, call] of calls) {
    state = beginBlock(state, rules);
    const result = applyExtrinsic(state, rules, { signer: signer.hotkey, nonce: accountOf(state, signer.hotkey).nonce, call }, 0);
    state = result.state;
    code = result.outcome?.code;
  }
  return { state, code };
}
const codeOf = (calls: readonly (readonly [Signer, Call])[], settings?: Partial<Genesis>): string | undefined => run(calls, settings).code;

describe('setCommitment', () => {
  it('keeps the newest of a hotkey', () => {
    const { state, code } = run([[miner, commit('aa')], [miner, commit('bb')]]);
    expect(code).toBeUndefined();
    expect(accountOf(state, miner.hotkey).commitment).toEqual({ block: 2, index: 0, fields: [{ kind: 'raw', data: 'bb' }] });
  });

  it('takes 128 bytes and refuses 129', () => {
    expect(codeOf([[miner, commit('00'.repeat(128))]])).toBeUndefined();
    expect(codeOf([[miner, commit('00'.repeat(129))]])).toBe('CommitmentTooLong');
  });

  it('is for registered hotkeys of this subnet', () => {
    expect(codeOf([[stranger, commit('aa')]])).toBe('AccountNotAllowedCommit');
    expect(codeOf([[miner, { ...commit('aa'), netuid: 2 }]])).toBe('AccountNotAllowedCommit');
  });

  it('fits 31 times into an epoch, whatever its size, and again into the next', () => {
    const many = (n: number): [Signer, Call][] => Array.from({ length: n }, () => [miner, commit('aa')]);
    expect(codeOf(many(31), { tempo: 40 })).toBeUndefined();
    expect(codeOf(many(32), { tempo: 40 })).toBe('SpaceLimitExceeded');
    expect(codeOf(many(40), { tempo: 40 })).toBeUndefined();
  });

  it('takes up to three fields of every kind, and shows readers all of them and the first raw one', () => {
    const fields: CommitmentField[] = [{ kind: 'bigRaw', data: '0a'.repeat(512) }, { kind: 'keccak256', data: '0b'.repeat(32) }, { kind: 'raw', data: '0c' }];
    const { state, code } = run([[miner, commitFields(...fields)]]);
    expect(code).toBeUndefined();
    expect(commitmentsOf(state)).toEqual([{ hotkey: miner.hotkey, block: 1, indexInBlock: 0, fields, data: '0c' }]);
    expect(accountOf(state, miner.hotkey).space).toEqual({ epoch: 0, used: 545 });
    expect(commitmentsOf(run([[miner, commitFields(fields[0]!)]]).state)).toMatchObject([{ data: '' }]);
  });

  it('takes 100 bytes of the budget at least', () => {
    expect(codeOf([[miner, commit('')], [miner, commit('')]], { commitmentSpace: 199 })).toBe('SpaceLimitExceeded');
  });

  it('counts bytes above 100', () => {
    const long = [miner, commit('00'.repeat(128))] as const;
    expect(codeOf([long, long], { commitmentSpace: 255 })).toBe('SpaceLimitExceeded');
    expect(codeOf([long, long], { commitmentSpace: 256 })).toBeUndefined();
  });
});

describe('setWeights', () => {
  const fine = setWeights([1, 0], [100, 300]);

  it('stores the row upscaled, by uid', () => {
    const { state, code } = run([[validator, fine]]);
    expect(code).toBeUndefined();
    expect(state.neurons[0]).toMatchObject({ weights: [[0, 65535], [1, 21845]], lastUpdate: 1 });
  });

  it.each<[string, Signer, Call, Partial<Genesis>?]>([
    ['CanNotSetRootNetworkWeights', validator, setWeights([1], [1, 2], { netuid: 0 })],
    ['WeightVecNotEqualSize', validator, setWeights([1], [1, 2], { netuid: 2 })],
    ['MechanismDoesNotExist', validator, setWeights([0, 1, 2], [1, 2, 3], { netuid: 2 })],
    ['UidsLengthExceedUidsInSubNet', stranger, setWeights([0, 1, 2], [1, 2, 3])],
    ['HotKeyNotRegisteredInSubNet', stranger, fine],
    ['NotEnoughStakeToSetWeights', miner, fine, { versionKey: 7 }],
    ['IncorrectWeightVersionKey', miner, fine, { minStake: '0', versionKey: 7 }],
    ['NeuronNoValidatorPermit', miner, setWeights([0, 0], [1, 1]), { minStake: '0' }],
    ['DuplicateUids', validator, setWeights([9, 9], [1, 1])],
    ['UidVecContainInvalidOne', validator, setWeights([2], [1]), { minAllowedWeights: 2 }],
    ['WeightVecLengthIsLow', validator, setWeights([1], [1]), { minAllowedWeights: 2 }],
  ])('fails as %s first', (code, signer, call, settings) => {
    expect(codeOf([[signer, call]], settings)).toBe(code);
  });

  it('is free once and then limited by blocks', () => {
    expect(codeOf([[validator, fine], [validator, fine]])).toBe('SettingWeightsTooFast');
    expect(codeOf([[validator, fine], [miner, commit('')], [miner, commit('')], [validator, fine]])).toBeUndefined();
  });

  it('takes a lone self weight without a permit and below the least length', () => {
    expect(codeOf([[miner, setWeights([1], [1])]], { minStake: '0', minAllowedWeights: 2 })).toBeUndefined();
  });

  it('asks the owner for no stake and no permit', () => {
    expect(codeOf([[owner, registration(owner.hotkey)], [owner, fine]], { weightsRateLimit: 1 })).toBeUndefined();
  });
});

describe('a failed call', () => {
  it('uses up the nonce and changes nothing else', () => {
    const { state } = run([[validator, setWeights([9], [1])]]);
    expect(accountOf(state, validator.hotkey).nonce).toBe(1);
    expect(state.neurons).toEqual(genesisState(genesis()).neurons);
  });

  it('belongs in no block with the wrong nonce', () => {
    const rules = genesis();
    const state = beginBlock(genesisState(rules), rules);
    expect(() => applyExtrinsic(state, rules, { signer: miner.hotkey, nonce: 1, call: commit('') }, 0)).toThrow('Expected nonce 0');
  });
});
