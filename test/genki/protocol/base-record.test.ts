import { describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { rebaseVerdict } from '../../../genki/federation/lora/lineage.ts';
import { baseKey, lineageOf, openBaseRecord, signBaseRecord, standingBases, type BaseRecord } from '../../../genki/protocol/base-record.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { signJson } from '../../../genki/protocol/signed-json.ts';

const [hub, other] = [createSigner('//hub'), createSigner('//other')];
const digest = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const ref = (key: string) => ({ bucket: 'hub', key, sha256: 'a'.repeat(64), bytes: 1 });

const record = (changes: Partial<BaseRecord> = {}): BaseRecord => ({
  version: 1,
  competition: digest(1),
  adapterId: 'rr',
  hotkey: hub.hotkey,
  sequence: 1,
  previous: digest(2),
  dama: { digest: digest(3), weights: ref('model.safetensors'), config: ref('config.json') },
  steps: [{ kind: 'pretrain', steps: 10 }, { kind: 'merge', parts: [{ adapter: 'b'.repeat(64), weight: 1 }] }],
  run: { name: 'daily', step: 10, steps: 1000, checkpoint: ref('checkpoint-10.safetensors') },
  mergedUntil: 4,
  losses: { swing: { before: 1, after: 0.9 } },
  rebased: [{ kind: 're-refine', adapter: 'c'.repeat(64), reason: 'trained apart', start: ref('again.safetensors'), error: 0.25 }],
  block: 7,
  ...changes,
});
const expected = { hotkey: hub.hotkey, adapterId: 'rr', sequence: 1 };

describe('the record of a base', () => {
  it('is read back as it was signed', () => {
    expect(openBaseRecord(signBaseRecord(record(), hub), expected, verifySignature)).toEqual(record());
    expect(baseKey('rr', 3)).toBe('adapters/rr/bases/0000000003.json');
  });

  it.each([
    ['another adapter', { adapterId: 'rs' }],
    ['another number', { sequence: 2 }],
    ['another hub', { hotkey: other.hotkey }],
  ])('is not taken for one of %s', (_, changes) => {
    expect(() => openBaseRecord(signBaseRecord(record(), hub), { ...expected, ...changes }, verifySignature)).toThrow(BadSubmission);
  });

  it('counts only with the signature that was made for it', () => {
    expect(() => signBaseRecord(record(), other)).toThrow(InvalidInput);
    expect(() => openBaseRecord(signJson('genki-manifest-v1:', record(), hub), expected, verifySignature)).toThrow(BadSubmission);
    const text = new TextDecoder().decode(signBaseRecord(record(), hub));
    expect(() => openBaseRecord(new TextEncoder().encode(text.replace('"block":7', '"block":8')), expected, verifySignature)).toThrow(BadSubmission);
  });

  it.each([['no steps', { steps: [] }], ['a weight that is not one', { losses: { swing: { before: -1, after: 0 } } }], ['a key too many', { more: 1 }]])('is refused with %s', (_, changes) => {
    const body = { ...record(), ...changes };
    expect(() => signBaseRecord(body as BaseRecord, hub)).toThrow(InvalidInput);
    expect(() => openBaseRecord(signJson('genki-base-v1:', body, hub), expected, verifySignature)).toThrow(BadSubmission);
  });

  it('tells a newer version from a wrong one', () => {
    const newer = new TextEncoder().encode(canonicalJson({ body: { ...record(), version: 2 }, signature: 'a'.repeat(128) }));
    expect(() => openBaseRecord(newer, expected, verifySignature)).toThrow(NewerSchema);
  });

  it('is either made of the one before or an earlier one again', () => {
    const again = record({ steps: [], losses: {}, rebased: [], rolledBackTo: 0 });
    expect(openBaseRecord(signBaseRecord(again, hub), expected, verifySignature)).toEqual(again);
    expect(() => signBaseRecord(record({ rolledBackTo: 0 }), hub)).toThrow('expected what made it of the one before, or which earlier one it is again');
  });

  it('comes from those before it but for what was rolled back', () => {
    const line = (...of: (number | undefined)[]): number[] => standingBases(of.map((rolledBackTo, i) => record({ sequence: i + 1, ...(rolledBackTo !== undefined && { rolledBackTo, steps: [] }) }))).map(({ sequence }) => sequence);
    const made = undefined;
    expect([line(), line(made, made), line(made, made, 1), line(made, made, 1, made), line(made, made, 1, made, 0), line(made, made, 1, made, 0, made), line(made, made, 1, made, 0, made, 4)]).toEqual([[], [1, 2], [1], [1, 4], [], [6], [1, 4]]);
    // a base that is there again is no child of the one that it took the place of
    expect(lineageOf([record(), record({ sequence: 2, rolledBackTo: 1, steps: [] })])).toHaveLength(1);
  });

  it('says how adapters for one base come to another', () => {
    const merges = record({ steps: [{ kind: 'merge', parts: [{ adapter: 'b'.repeat(64), weight: 1 }] }] });
    expect(rebaseVerdict({ from: digest(2), to: digest(3), lineage: lineageOf([merges]) })).toEqual({ kind: 'exact', merged: [{ adapter: 'b'.repeat(64), weight: 1 }] });
    expect(rebaseVerdict({ from: digest(2), to: digest(3), lineage: lineageOf([record()]) }).kind).toBe('re-refine');
  });
});
