import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../genki/errors.ts';
import { commitLocation, decodeCommitRecord, encodeCommitRecord, type CommitRecord } from '../../../genki/protocol/commit-record.ts';
import { Random } from '../../../genki/protocol/random.ts';

const record: CommitRecord = {
  namespace: 'local',
  name: 'miner-1',
  commit: '0123456789abcdef0123456789abcdef01234567',
  hash: '+QRi7a03r3fB0ngVABh8READgCjfWs1hl8RWfVgKrwc=',
  competition: 'rn',
};
const hexOf = (text: string): string => Buffer.from(text).toString('hex');
const reasonOf = (field: Uint8Array | string): string => {
  const decoded = decodeCommitRecord(field);
  return decoded.ok ? 'decoded' : decoded.reason;
};

describe('commit record', () => {
  it('is five fields with colons between them', () => {
    const text = 'local:miner-1:0123456789abcdef0123456789abcdef01234567:+QRi7a03r3fB0ngVABh8READgCjfWs1hl8RWfVgKrwc=:rn';
    expect(encodeCommitRecord(record)).toBe(hexOf(text));
    expect(decodeCommitRecord(hexOf(text))).toEqual({ ok: true, value: record });
    expect(decodeCommitRecord(Buffer.from(text))).toEqual({ ok: true, value: record });
  });

  it('writes null as None', () => {
    const empty = { ...record, commit: null, hash: null, competition: null };
    expect(encodeCommitRecord(empty)).toBe(hexOf('local:miner-1:None:None:None'));
    expect(decodeCommitRecord(hexOf('local:miner-1:None:None:None'))).toEqual({ ok: true, value: empty });
  });

  it('takes 128 bytes and not one more, counted in UTF-8', () => {
    const fixed = encodeCommitRecord({ ...record, name: 'x' }).length / 2 - 1;
    const longest = 'n'.repeat(128 - fixed);
    expect(encodeCommitRecord({ ...record, name: longest })).toHaveLength(256);
    expect(() => encodeCommitRecord({ ...record, name: `${longest}n` })).toThrow('at most 128 bytes, got "129"');
    expect(() => encodeCommitRecord({ ...record, name: `${longest.slice(1)}é` })).toThrow('at most 128 bytes, got "129"');
  });

  it.each<Partial<CommitRecord>>([
    { name: 'a:b' },
    { competition: 'r:n' },
    { namespace: '' },
    { hash: '' },
    { commit: 'None' },
    { competition: 'None' },
    { name: '\ud800' },
  ])('refuses to write %j, which could not be read back', (field) => {
    expect(() => encodeCommitRecord({ ...record, ...field })).toThrow(InvalidInput);
  });

  it.each([
    ['129 bytes', hexOf(`a:b:c:d:${'e'.repeat(121)}`), 'at most 128 bytes, got "129"'],
    ['a megabyte', '61'.repeat(1 << 20), 'at most 128 bytes'],
    ['six fields', hexOf('a:b:c:d:e:f'), 'five fields, got "6"'],
    ['four fields', hexOf('a:b:c:d'), 'five fields, got "4"'],
    ['nothing', '', 'five fields, got "1"'],
    ['an empty field', hexOf('a:b::d:e'), 'an empty one'],
    ['bytes that are not UTF-8', `${hexOf('a:b:c:d:')}ff`, 'UTF-8'],
    ['an overlong colon', `${hexOf('a:b:c:d')}c0ba${hexOf('e')}`, 'UTF-8'],
    ['a surrogate in UTF-8', `${hexOf('a:b:c:d:')}eda080`, 'UTF-8'],
    ['half a byte', 'a', 'hex digits'],
    ['no hex', 'zz', 'hex digits'],
    ['hex with 0x', `0x${hexOf('a:b:c:d:e')}`, 'hex digits'],
  ])('names no object with %s', (_, field, reason) => {
    expect(reasonOf(field)).toContain(reason);
    expect(reasonOf(field)).toContain('no valid commitment');
  });

  it('gives the same bytes back after decoding, byte order mark and all', () => {
    const random = new Random('records');
    const alphabet = ['a', 'Z', '0', '-', '.', '/', 'é', '🎵', '\ufeff', '\0', ' ', 'None'];
    const field = (): string => Array.from({ length: 1 + random.int(5) }, () => random.pick(alphabet)).join('');
    for (let i = 0; i < 500; i++) {
      const hex = hexOf(Array.from({ length: 5 }, field).join(':'));
      const decoded = decodeCommitRecord(hex);
      if (decoded.ok) expect(encodeCommitRecord(decoded.value)).toBe(hex);
      else expect(hex.length).toBeGreaterThan(256);
    }
  });
});

describe('commitLocation', () => {
  const endpoints = new Set(['local']);

  it('is a manifest in a bucket where the namespace is an endpoint', () => {
    expect(commitLocation(record, endpoints)).toEqual({
      ok: true,
      value: { kind: 'bucket', endpoint: 'local', bucket: 'miner-1', manifestKey: 'manifests/0123456789abcdef0123456789abcdef01234567.json' },
    });
  });

  it('is a revision of a repository anywhere else, of 4 to 38 characters', () => {
    const at = (namespace: string, name: string) => commitLocation({ ...record, namespace, name }, endpoints);
    expect(at('genki', 'dama')).toEqual({ ok: true, value: { kind: 'repository', repository: 'genki/dama', revision: record.commit } });
    expect([at('a', 'bc').ok, at('a', 'b').ok]).toEqual([true, false]);
    expect([at('a'.repeat(20), 'b'.repeat(17)).ok, at('a'.repeat(20), 'b'.repeat(18)).ok]).toEqual([true, false]);
  });

  it.each<Partial<CommitRecord>>([
    { commit: null },
    { commit: 'main' },
    { commit: '../../../../../../../../../../etc/passwd' },
    { commit: '0123456789ABCDEF0123456789abcdef01234567' },
    { name: '..' },
    { name: 'Miner 1' },
    { namespace: '..', name: 'secrets' },
    { namespace: 'https', name: '//evil.example' },
  ])('is nowhere for %j', (field) => {
    expect(commitLocation({ ...record, ...field }, endpoints).ok).toBe(false);
  });
});
