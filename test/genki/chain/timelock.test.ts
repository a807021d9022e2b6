import { describe, expect, it } from 'vitest';
import { beaconPublicKey, beaconPulse, isBeaconKey, isPulseOf, openTimelock, timelock } from '../../../genki/chain/timelock.ts';
import { decodeWeights, timelockedWeights, weightsCommitHash } from '../../../genki/chain/weights-commit.ts';
import { blake2Hash, decodeHotkey } from '../../../genki/chain/keys.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { miner, secret, validator } from './support.ts';

/** drand's quicknet, https://api.drand.sh/52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971 */
const QUICKNET = {
  publicKey: '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
  round: 1000,
  pulse: 'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
};
const seed = new Uint8Array(32).fill(5);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('a timelock', () => {
  const message = new TextEncoder().encode('this is a test');
  const sealed = timelock(message, QUICKNET, seed);

  it("is opened by drand's own signature of the round", () => {
    expect(isPulseOf(QUICKNET.publicKey, QUICKNET.round, QUICKNET.pulse)).toBe(true);
    expect(openTimelock(sealed, QUICKNET.pulse)).toEqual(message);
  });

  it('has the layout of tle::tlock', () => {
    const [length32, length16] = ['2000000000000000', '0800000000000000'];
    const text = hex(sealed);
    expect(sealed).toHaveLength(96 + 40 + 40 + 8 + (8 + 14 + 16 + 8 + 12) + 16);
    expect([text.slice(192, 208), text.slice(272, 288)]).toEqual([length32, length32]);
    expect(text.slice(352, 384)).toBe('3a00000000000000' + '1e00000000000000');
    expect(text.slice(-32)).toBe(length16 + hex(new TextEncoder().encode('AES_GCM_')));
    // 262 bytes for two uids in the payload without a hotkey, as measured on the runtime
    expect(timelock(new Uint8Array(18), QUICKNET, seed)).toHaveLength(262);
  });

  it('is the same bytes for the same seed, and shares nothing with another message', () => {
    expect(blake2Hash(sealed)).toBe('0x4e24a289e47b8d92d9b0bc053c075c1c53b26cc5c24131207fd557162058935b');
    expect(hex(timelock(new TextEncoder().encode('this is a tesT'), QUICKNET, seed)).slice(0, 192)).not.toBe(hex(sealed).slice(0, 192));
  });

  it('stays closed to any other pulse, and after any change', () => {
    expect(openTimelock(sealed, beaconPulse(secret, 1000))).toBeUndefined();
    expect(openTimelock(sealed, 'zz')).toBeUndefined();
    // in U, V's length, V, W, a length in the body, the ciphertext, its tag, the nonce
    for (const at of [50, 96, 110, 150, 184, 195, 220, 240]) {
      const changed = sealed.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect(openTimelock(changed, QUICKNET.pulse), `byte ${at}`).toBeUndefined();
    }
    for (const length of [0, 95, 100, 249]) expect(openTimelock(sealed.slice(0, length), QUICKNET.pulse)).toBeUndefined();
  });

  it('survives 200 random byte strings', () => {
    const random = new Random('timelock');
    const header = sealed.slice(0, 96);
    for (let i = 0; i < 200; i++) {
      const noise = Uint8Array.from({ length: random.int(120) }, () => (random.chance(0.6) ? 0 : random.int(256)));
      expect(openTimelock(i % 2 ? noise : Uint8Array.from([...header, ...noise]), QUICKNET.pulse)).toBeUndefined();
    }
  });
});

describe('a beacon', () => {
  const publicKey = beaconPublicKey(secret);

  it('signs each round with its own key', () => {
    const pulse = beaconPulse(secret, 7);
    expect(isBeaconKey(publicKey)).toBe(true);
    expect(isPulseOf(publicKey, 7, pulse)).toBe(true);
    expect(isPulseOf(publicKey, 8, pulse)).toBe(false);
    expect(isPulseOf(QUICKNET.publicKey, 7, pulse)).toBe(false);
  });

  it('takes nothing malformed for a pulse or a key', () => {
    expect(isPulseOf(publicKey, 7, 'c0'.padEnd(96, '0'))).toBe(false);
    expect(isPulseOf('', 7, QUICKNET.pulse)).toBe(false);
    expect([isBeaconKey('c0'.padEnd(192, '0')), isBeaconKey('ff'.repeat(96)), isBeaconKey(publicKey.slice(2))]).toEqual([false, false, false]);
  });
});

describe('a commit to weights', () => {
  const payload = { hotkey: validator.hotkey, uids: [1, 300], weights: [65535, 7], versionKey: 258 };

  it('hashes the SCALE encoding', () => {
    const scale = `${hex(decodeHotkey(validator.hotkey))}01000801002c0108ffff07000409000201000000000000`;
    expect(weightsCommitHash({ ...payload, netuid: 1, salt: [9] })).toBe(blake2Hash(bytes(scale)));
  });

  it('reads back what was locked, for its hotkey alone', () => {
    const opened = openTimelock(bytes(timelockedWeights(payload, { publicKey: beaconPublicKey(secret), round: 12 }, seed)), beaconPulse(secret, 12))!;
    const { hotkey: _, ...row } = payload;
    expect(decodeWeights(opened, validator.hotkey)).toEqual(row);
    expect(decodeWeights(opened, miner.hotkey)).toBeUndefined();
    // without the hotkey in front it is the older form
    expect(decodeWeights(opened.slice(33), miner.hotkey)).toEqual(row);
  });

  it('reads nothing from bytes that end early, promise too much, or use a longer form than they need', () => {
    const many = Array.from({ length: 70 }, (_, i) => i);
    const long = { ...payload, uids: many, weights: many };
    const form = openTimelock(bytes(timelockedWeights(long, QUICKNET, seed)), QUICKNET.pulse)!;
    expect(decodeWeights(form, validator.hotkey)?.uids).toEqual(many);
    for (let length = 0; length < form.length; length++) expect(decodeWeights(form.slice(0, length), validator.hotkey)).toBeUndefined();
    expect(decodeWeights(bytes('feffffff00'), validator.hotkey)).toBeUndefined();
    expect(decodeWeights(bytes(`0100${'00'.repeat(9)}`), validator.hotkey)).toBeUndefined();
    expect(decodeWeights(bytes(`0000${'ff'.repeat(8)}`), validator.hotkey)).toBeUndefined();
  });
});
