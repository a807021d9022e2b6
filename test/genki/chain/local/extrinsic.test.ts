import { describe, expect, it } from 'vitest';
import type { Call } from '../../../../genki/chain/chain.ts';
import { decodeExtrinsic, isSignedFor, signExtrinsic } from '../../../../genki/chain/local/extrinsic.ts';
import { InvalidInput } from '../../../../genki/errors.ts';
import { Random } from '../../../../genki/protocol/random.ts';
import { commit, miner, setWeights } from '../support.ts';

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
    { kind: 'register', netuid: 65535 },
    { kind: 'triggerEpoch', netuid: 0 },
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
    ['netuid 65536', { kind: 'register', netuid: 65536 }],
    ['an unknown field', { kind: 'register', netuid: 1, burn: 1 } as Call],
  ])('cannot carry %s', (_, call) => {
    expect(() => sign(call)).toThrow(InvalidInput);
  });

  it.each([{ nonce: -1 }, { nonce: 2 ** 32 }, { bornAt: 0.5 }, { period: 31 }, { period: 65 }, { period: Number.NaN }])('cannot be signed with %j', (draft) => {
    expect(() => sign(commit('ab'), draft)).toThrow(InvalidInput);
  });
});
