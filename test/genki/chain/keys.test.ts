import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { createSigner, decodeHotkey, encodeHotkey, isHotkey, verifySignature } from '../../../genki/chain/keys.ts';

const message = new TextEncoder().encode('genki');
const seed = '0b'.repeat(32);

describe('createSigner', () => {
  it('derives the well-known development account', () => {
    expect(createSigner('//Alice').hotkey).toBe('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
  });

  it('takes a seed in hex, with or without 0x, and nested paths', () => {
    expect(createSigner(`0x${seed}`).hotkey).toBe(createSigner(seed).hotkey);
    expect(createSigner('//a//b').hotkey).not.toBe(createSigner('//a').hotkey);
  });

  it('signs what only its own hotkey verifies', () => {
    const [alice, bob] = [createSigner('//Alice'), createSigner('//Bob')];
    const signature = alice.sign(message);
    expect(verifySignature(message, signature, alice.hotkey)).toBe(true);
    expect(verifySignature(message, signature, bob.hotkey)).toBe(false);
    expect(verifySignature(message.slice(1), signature, alice.hotkey)).toBe(false);
  });

  it.each(['', 'Alice', '/soft', '//', `${seed}00`, seed.slice(2), `${seed.slice(1)}g`, '//a b', 'legal winner thank year wave sausage worth useful legal winner thank yellow'])(
    'refuses %j without repeating it',
    (secret) => {
      expect(() => createSigner(secret)).toThrow(new InvalidInput('Expected a secret seed of 64 hex digits or a development path like //name'));
    },
  );

  it('shows no secret when printed', () => {
    const signer = createSigner(seed);
    expect(inspect(signer, { depth: 9, showHidden: true }) + JSON.stringify(signer)).not.toMatch(/0b0b|11, 11/);
  });
});

describe('verifySignature', () => {
  it.each([0, 63, 65])('is false for a signature of %i bytes', (length) => {
    expect(verifySignature(message, new Uint8Array(length), createSigner('//Alice').hotkey)).toBe(false);
  });

  it('is false for a hotkey that is none', () => {
    expect(verifySignature(message, createSigner('//Alice').sign(message), 'nobody')).toBe(false);
  });
});

describe('hotkeys', () => {
  const { hotkey, publicKey } = createSigner('//Alice');

  it('decode to the public key and back', () => {
    expect(decodeHotkey(hotkey)).toEqual(publicKey);
    expect(encodeHotkey(publicKey)).toBe(hotkey);
  });

  it.each([
    ['a wrong checksum', `${hotkey.slice(0, -1)}Z`],
    ['another prefix', '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5'],
    ['a hex key', `0x${'ab'.repeat(32)}`],
    ['a space', ` ${hotkey}`],
    ['endless base58', '5'.repeat(1_000_000)],
    ['nothing', ''],
  ])('are refused with %s', (_, text) => {
    expect(isHotkey(text)).toBe(false);
    expect(() => decodeHotkey(text)).toThrow('Expected an SS58 address with prefix 42');
  });
});
