import { describe, expect, it } from 'vitest';
import type { Call } from '../../../../genki/chain/chain.ts';
import { decodeExtrinsic, isSignedFor, signExtrinsic } from '../../../../genki/chain/local/extrinsic.ts';
import { InvalidInput } from '../../../../genki/errors.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { commit, commitFields, miner, registration, setWeights, stranger } from '../support.ts';

const hash = (digit: string): string => `0x${digit.repeat(64)}`;
const context = { genesisHash: hash('a'), specVersion: 425, birthHash: hash('b') };
const sign = (call: Call, draft: { nonce?: number; bornAt?: number; period?: number } = {}): ReturnType<typeof signExtrinsic> =>
  signExtrinsic({ call, nonce: 3, bornAt: 7, period: 64, ...draft }, context, miner);

describe('an extrinsic', () => {
  it.each<Call>([
    commit(''),
    commit('00ff'.repeat(64)),
    setWeights([], []),
    setWeights([1, 65535], [65535, 0, 3], { versionKey: Number.MAX_SAFE_INTEGER }),
    { kind: 'register', netuid: 65535, hotkey: miner.hotkey, limitPrice: null },
    registration(stranger.hotkey, { limitPrice: String(2n ** 64n - 1n) }),
    commitFields({ kind: 'bigRaw', data: '07'.repeat(512) }, { kind: 'sha3-256', data: 'ab'.repeat(32) }, { kind: 'raw', data: '' }),
    { kind: 'commitWeights', netuid: 1, hash: hash('d') },
    { kind: 'revealWeights', netuid: 1, uids: [0, 3], weights: [65535, 1], salt: [7, 65535], versionKey: 2 },
    { kind: 'commitTimelockedWeights', netuid: 1, commit: '0f'.repeat(5000), revealRound: 2 ** 40, version: 4 },
    { kind: 'triggerEpoch', netuid: 0 },
    { kind: 'setMechanismWeights', netuid: 1, mecid: 255, uids: [0, 3], weights: [65535, 1], versionKey: 2 },
    { kind: 'serveAxon', netuid: 1, ip: '203.0.113.7', port: 65535, protocol: 255, version: 0xffffffff },
    { kind: 'serveAxon', netuid: 1, ip: '2001:db8::ff', port: 1, protocol: 0, version: 0 },
  ])('reads back as it was written: %j', (call) => {
    const extrinsic = sign(call);
    const decoded = decodeExtrinsic(extrinsic.hex);
    expect(decoded).toMatchObject({ ...extrinsic, call, bornAt: 7, diesAt: 71 });
    expect(isSignedFor(decoded, context)).toBe(true);
  });

  it.each([
    ['genesis', { genesisHash: hash('c') }],
    ['spec version', { specVersion: 426 }],
    ['birth block', { birthHash: hash('c') }],
  ])('is void under another %s', (_, other) => {
    expect(isSignedFor(decodeExtrinsic(sign(commit('aa')).hex), { ...context, ...other })).toBe(false);
  });

  it('is refused or void with any byte changed', () => {
    const { hex } = sign(setWeights([1, 2], [3, 4]));
    for (let at = 0; at < hex.length; at += 2) {
      const byte = (Number.parseInt(hex.slice(at, at + 2), 16) ^ 1).toString(16).padStart(2, '0');
      const changed = hex.slice(0, at) + byte + hex.slice(at + 2);
      let valid = false;
      try {
        valid = isSignedFor(decodeExtrinsic(changed), context);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInput);
      }
      expect(valid, `byte ${at / 2}`).toBe(false);
    }
  });

  it('is refused at any other length', () => {
    const { hex } = sign(setWeights([1, 2], [3, 4]));
    for (let length = 0; length < hex.length; length++) expect(() => decodeExtrinsic(hex.slice(0, length))).toThrow(InvalidInput);
    expect(() => decodeExtrinsic(`${hex}00`)).toThrow(InvalidInput);
  });

  it.each([['upper case', (hex: string) => hex.toUpperCase()], ['0x', (hex: string) => `0x${hex}`], ['20,001 bytes', () => '00'.repeat(20_001)], ['text', () => 'zz']])(
    'is refused as %s',
    (_, change) => {
      expect(() => decodeExtrinsic(change(sign(commit('ab')).hex))).toThrow(InvalidInput);
    },
  );

  it('survives 2,000 random byte strings', () => {
    const random = new Random('extrinsic');
    for (let i = 0; i < 2000; i++) {
      const bytes = Uint8Array.from({ length: random.int(200) }, (_, at) => (at === 0 ? 1 : random.int(256)));
      expect(() => decodeExtrinsic(Buffer.from(bytes).toString('hex'))).toThrow(InvalidInput);
    }
  });

  it.each<[string, Call]>([
    ['513 bytes of data', commit('00'.repeat(513))],
    ['half a byte', commit('abc')],
    ['upper-case data', commit('AB')],
    ['a weight of 65536', setWeights([1], [65536])],
    ['a fractional weight', setWeights([1], [0.5])],
    ['NaN', setWeights([Number.NaN], [1])],
    ['a negative uid', setWeights([-1], [1])],
    ['4,097 weights', setWeights([], Array.from({ length: 4097 }, () => 1))],
    ['an unsafe version key', setWeights([1], [1], { versionKey: 2 ** 53 })],
    ['netuid 65536', registration(miner.hotkey, { netuid: 65536 })],
    ['an unknown field', { ...registration(miner.hotkey), burn: 1 } as unknown as Call],
    ['a hotkey that is no address', registration('me')],
    ['a price above u64', registration(miner.hotkey, { limitPrice: String(2n ** 64n) })],
    ['no field', commitFields()],
    ['four fields', commitFields(...Array.from({ length: 4 }, () => ({ kind: 'raw' as const, data: '' })))],
    ['a hash of 31 bytes', commitFields({ kind: 'sha256', data: '00'.repeat(31) })],
    ['a field of another kind', commitFields({ kind: 'resetBondsFlag', data: '' } as never)],
    ['a commit of 5,001 bytes', { kind: 'commitTimelockedWeights', netuid: 1, commit: '00'.repeat(5001), revealRound: 1, version: 4 }],
    ['an address that is none', { kind: 'serveAxon', netuid: 1, ip: '203.0.113.256', port: 1, protocol: 0, version: 0 }],
    ['a salt above u16', { kind: 'revealWeights', netuid: 1, uids: [], weights: [], salt: [65536], versionKey: 0 }],
    ['a hash without 0x', { kind: 'commitWeights', netuid: 1, hash: 'd'.repeat(64) }],
  ])('cannot carry %s', (_, call) => {
    expect(() => sign(call)).toThrow(InvalidInput);
  });

  it.each([{ nonce: -1 }, { nonce: 2 ** 32 }, { bornAt: 0.5 }, { period: 31 }, { period: 65 }, { period: Number.NaN }])('cannot be signed with %j', (draft) => {
    expect(() => sign(commit('ab'), draft)).toThrow(InvalidInput);
  });
});
