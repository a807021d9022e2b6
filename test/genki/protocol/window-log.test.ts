import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { MAX_ENTRY_BYTES, openWindowEntry, signWindowEntry, windowKey, type WindowEntry } from '../../../genki/protocol/window-log.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';

const leader = createSigner('//leader');
const other = createSigner('//other');
const digest = (name: string): string => createHash('sha256').update(name).digest('base64');
const ref = (key: string, bucket = 'leader'): ObjectRef => ({ bucket, key, sha256: createHash('sha256').update(key).digest('hex'), bytes: 10 });
const peer = (hotkey: string): WindowEntry['peers'][number] => ({ hotkey, registeredAt: 3, manifest: ref(`windows/rw/${hotkey}.json`), update: ref(`windows/rw/${hotkey}.safetensors`), disclosure: null, norm: 1.5, factor: 0.75 });

const entry: WindowEntry = {
  version: 1,
  competition: digest('windows'),
  hotkey: leader.hotkey,
  rank: 0,
  window: 42,
  previous: { window: 40, hotkey: '5Before', sha256: 'ab'.repeat(32) },
  before: digest('before'),
  after: digest('after'),
  peers: [peer('5Anna'), peer('5Bert')],
  refused: [{ hotkey: '5Emil', registeredAt: 4, reason: 'Expected the key by block 88, got none' }],
  checkpoint: ref('checkpoints/rw/0000000041.json'),
};
const expected = { hotkey: leader.hotkey, competition: entry.competition, window: 42, bucket: 'leader' };
const byHand = (body: unknown, domain = 'genki-window-v1:', signer = leader): Uint8Array => {
  const signature = Buffer.from(signer.sign(new TextEncoder().encode(domain + canonicalJson(body)))).toString('hex');
  return new TextEncoder().encode(canonicalJson({ body, signature }));
};

describe('an entry of the window log', () => {
  it('lies where numbers sort as they count', () => {
    expect(windowKey('rw', 42)).toBe('windows/rw/0000000042.json');
    expect([windowKey('rw', 9), windowKey('rw', 10), windowKey('rw', 2 ** 31)].toSorted()).toEqual([windowKey('rw', 9), windowKey('rw', 10), windowKey('rw', 2 ** 31)]);
  });

  it('is read back by whoever knows what to expect', () => {
    expect(openWindowEntry(signWindowEntry(entry, leader), expected, verifySignature)).toEqual(entry);
    const empty = { ...entry, peers: [], after: entry.before, previous: null, checkpoint: null };
    expect(openWindowEntry(signWindowEntry(empty, leader), { ...expected, bucket: 'elsewhere' }, verifySignature)).toEqual(empty);
  });

  it('is not signed for somebody else, or when it is none', () => {
    expect(() => signWindowEntry(entry, other)).toThrow(`Expected an entry of ${other.hotkey}, got one of ${leader.hotkey}`);
    expect(() => signWindowEntry({ ...entry, after: 'now' }, leader)).toThrow(InvalidInput);
    expect(() => signWindowEntry({ ...entry, peers: [peer('5Anna'), peer('5Anna')] }, leader)).toThrow('each peer once');
    expect(() => signWindowEntry({ ...entry, peers: [] }, leader)).toThrow('unchanged without peers');
  });

  it.each<[string, Uint8Array, string]>([
    ['another one’s signature', byHand(entry, undefined, other), 'Expected a signature of'],
    ['a signature for another purpose', byHand(entry, 'genki-manifest-v1:'), 'Expected a signature of'],
    ['another competition', byHand({ ...entry, competition: digest('other') }), `with competition ${entry.competition}, got ${digest('other')}`],
    ['another window', byHand({ ...entry, window: 41 }), 'with window 42, got 41'],
    ['another hotkey', byHand({ ...entry, hotkey: other.hotkey }), 'with hotkey'],
    ['an update in another bucket', byHand({ ...entry, peers: [{ ...peer('5Anna'), update: ref('x', 'anna') }] }), 'with bucket leader, got anna'],
    ['a checkpoint in another bucket', byHand({ ...entry, checkpoint: ref('x', 'anna') }), 'with bucket leader, got anna'],
    ['an unknown key', byHand({ ...entry, bonus: 1 }), 'Unrecognized key: "bonus"'],
    ['a factor of nothing', byHand({ ...entry, peers: [{ ...peer('5Anna'), factor: 0 }] }), 'factor'],
    ['a key that is a path', byHand({ ...entry, peers: [{ ...peer('5Anna'), update: { ...ref('x'), key: '../x' } }] }), 'key'],
    ['a digest of the previous entry that is none', byHand({ ...entry, previous: { ...entry.previous, sha256: 'AB'.repeat(32) } }), 'previous'],
    ['a previous entry that is not earlier', byHand({ ...entry, previous: { ...entry.previous, window: 42 } }), 'of an earlier window'],
    ['more peers than a window takes', byHand({ ...entry, peers: Array.from({ length: 257 }, (_, i) => peer(`5${i}`)) }), 'peers'],
    ['no JSON', Buffer.from('GENKSEAL'), 'JSON and UTF-8'],
  ])('with %s is refused', (_, file, reason) => {
    expect(() => openWindowEntry(file, expected, verifySignature)).toThrow(BadSubmission);
    expect(() => openWindowEntry(file, expected, verifySignature)).toThrow(reason);
  });

  it('of a newer version is nobody’s fault', () => {
    expect(() => openWindowEntry(byHand({ ...entry, version: 2, later: true }, 'genki-window-v2:'), expected, verifySignature)).toThrow(NewerSchema);
  });

  it('is refused with any byte changed, and never with another error', () => {
    const good = signWindowEntry(entry, leader);
    const random = new Random('entries');
    for (let i = 0; i < 300; i++) {
      const changed = good.slice();
      const at = random.int(changed.length);
      changed[at] = (changed[at]! + 1 + random.int(255)) % 256;
      let caught: unknown;
      try {
        openWindowEntry(changed, expected, verifySignature);
      } catch (error) {
        caught = error;
      }
      expect(caught instanceof BadSubmission || caught instanceof NewerSchema).toBe(true);
    }
  });

  it('is never larger than its reader takes', () => {
    const long = 'k'.repeat(120);
    const full = { ...peer('5'.repeat(200)), manifest: { ...ref(long), key: Array(4).fill(long).join('/') }, update: { ...ref(long), key: Array(4).fill(long).join('/') } };
    const most = { ...entry, peers: Array.from({ length: 256 }, (_, i) => ({ ...full, hotkey: `${i}`.padStart(200, 'a') })), refused: Array.from({ length: 1024 }, (_, i) => ({ hotkey: `${i}`.padStart(60, 'a'), registeredAt: 2 ** 31, reason: 'r'.repeat(400) })) };
    expect(signWindowEntry(most, leader).byteLength).toBeLessThan(MAX_ENTRY_BYTES);
  });
});
