import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { openVersion, signVersion, versionKey, versionsPrefix, type AdapterVersion } from '../../../genki/protocol/adapter-version.ts';
import { signJson } from '../../../genki/protocol/signed-json.ts';

const DOMAIN = 'genki-adapter-version-v1:';
const hub = createSigner('//hub');
const other = createSigner('//other');
const digest = (name: string): string => createHash('sha256').update(name).digest('base64');
const version: AdapterVersion = {
  version: 1,
  competition: digest('relay'),
  adapterId: 'rr',
  hotkey: hub.hotkey,
  sequence: 12,
  parent: 11,
  base: digest('dama'),
  adapter: { bucket: 'hub', key: 'frozen/a.safetensors', sha256: 'a'.repeat(64), bytes: 3 },
  author: { hotkey: other.hotkey, fence: 14 },
  losses: { town: { base: 2, before: 1.5, after: 1.25 }, swing: { base: 2, before: null, after: 1 } },
  block: 400,
};
const expected = { hotkey: hub.hotkey, adapterId: 'rr', sequence: 12 };

describe('a version of an adapter', () => {
  it('lies under its number, so that names sort as numbers do', () => {
    expect(versionKey('rr', 12)).toBe('adapters/rr/versions/0000000012.json');
    expect([9, 10, 1_000_000].map((n) => versionKey('rr', n)).toSorted()).toEqual([9, 10, 1_000_000].map((n) => versionKey('rr', n)));
    expect(versionKey('rr', 1).startsWith(versionsPrefix('rr'))).toBe(true);
  });

  it.each([version, { ...version, rolledBackTo: 3 }])('comes back as it was signed', (body) => {
    expect(openVersion(signVersion(body, hub), expected, verifySignature)).toEqual(body);
  });

  it('is signed by its own hub alone', () => {
    expect(() => signVersion(version, other)).toThrow(InvalidInput);
    expect(() => openVersion(signJson(DOMAIN, version, other), expected, verifySignature)).toThrow(BadSubmission);
    expect(() => openVersion(signJson('genki-manifest-v1:', version, hub), expected, verifySignature)).toThrow(BadSubmission);
  });

  it.each([
    ['another number', { sequence: 13 }],
    ['another adapter', { adapterId: 'rs' }],
    ['another hub', { hotkey: other.hotkey }],
  ])('is refused with %s than was asked for', (_, change) => {
    expect(() => openVersion(signJson(DOMAIN, { ...version, ...change }, hub), expected, verifySignature)).toThrow(/^Expected version 12 of rr by /);
  });

  it.each([
    ['sequence 0', { sequence: 0 }],
    ['an infinite loss', { losses: { town: { base: 2, before: 1, after: 'Infinity' } } }],
    ['an unknown key', { more: 1 }],
    ['a key that leaves the bucket', { adapter: { ...version.adapter, key: '../a' } }],
  ])('is refused with %s', (_, change) => {
    expect(() => openVersion(signJson(DOMAIN, { ...version, ...change }, hub), expected, verifySignature)).toThrow(/^Expected a version of an adapter:/);
  });

  it('is nobody\'s fault in a newer schema', () => {
    expect(() => openVersion(signJson(DOMAIN, { ...version, version: 2 }, hub), expected, verifySignature)).toThrow(NewerSchema);
  });
});
