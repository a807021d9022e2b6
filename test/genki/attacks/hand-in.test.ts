import { describe, expect, it } from 'vitest';
import { copiedObjects, copiedRecord } from '../../../genki/attacks/copied-commit.ts';
import { frontRun, impersonated } from '../../../genki/attacks/front-run.ts';
import { handIn, type Ground, type HandedIn, type Miner } from '../../../genki/attacks/hand-in.ts';
import { swappedFile, swappedManifest } from '../../../genki/attacks/swap-after-commit.ts';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission } from '../../../genki/errors.ts';
import { manifestKeyOf } from '../../../genki/protocol/commit-record.ts';
import { sha256Hex } from '../../../genki/protocol/digests.ts';
import { verifyManifest } from '../../../genki/protocol/manifest.ts';
import { openKeyFile, SECRET_BYTES, unseal } from '../../../genki/protocol/sealing.ts';

const digest = (value: number): string => Buffer.alloc(32, value).toString('base64');
const on: Ground = { competition: { id: 'rn', digest: digest(1), endpoint: 'local' }, base: digest(2) };
const miner = (name: string, fill: number): Miner => ({ signer: createSigner(`//${name}`), bucket: name, secret: new Uint8Array(SECRET_BYTES).fill(fill) });
const [victim, attacker] = [miner('victim', 3), miner('attacker', 4)];
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const work = bytesOf('what was learned');
const honest = handIn(work, { by: victim, on });

/** What lies in the buckets, all of them. */
type World = ReadonlyMap<string, Uint8Array>;
const world = (...all: readonly HandedIn[]): World => new Map(all.flatMap(({ bucket, objects, key }) => [...objects, [key.name, key.file] as const].map(([name, bytes]) => [`${bucket}/${name}`, bytes] as const)));

/** As a validator reads the commitment of a hotkey. */
function open(of: HandedIn, by: Miner, there: World): Uint8Array {
  const { name: bucket, commit } = of.record;
  const take = (key: string): Uint8Array => {
    const bytes = there.get(key);
    if (!bytes) throw new BadSubmission(`Expected ${key}, got nothing`);
    return bytes;
  };
  const { hotkey } = by.signer;
  const { files: [file] } = verifyManifest(take(`${bucket}/${manifestKeyOf(commit!)}`), { kind: 'adapter', hotkey, competition: on.competition.digest, base: on.base, bucket, record: of.record }, verifySignature);
  const sealed = take(`${file!.ref.bucket}/${file!.ref.key}`);
  if (sha256Hex(sealed) !== file!.ref.sha256) throw new BadSubmission('Expected other bytes');
  const key = openKeyFile(take(`${bucket}/manifests/${commit}.key.json`), { hotkey, manifest: commit! }, verifySignature);
  return unseal(sealed, key, { hotkey, competition: on.competition.digest, content: file!.content! });
}

it('hands in what a validator opens', () => {
  expect(Buffer.from(open(honest, victim, world(honest))).toString()).toBe('what was learned');
});

describe('somebody else’s commitment', () => {
  it('is bound to its hotkey where only the record is copied', () => {
    expect(() => open(copiedRecord(honest), attacker, world(honest))).toThrow('Expected a signature of');
  });

  it('is bound to its hotkey where all that is public is copied', () => {
    const copy = copiedObjects(honest, attacker);
    expect(copy.record).toEqual({ ...honest.record, name: attacker.bucket });
    expect(() => open(copy, attacker, world(honest, copy))).toThrow('Expected a signature of');
  });

  it('is ciphertext that opens for nobody else, with the victim’s key or another', () => {
    for (const { secret } of [victim, attacker]) {
      const copy = frontRun(honest, { by: attacker, on, secret });
      expect(() => open(copy, attacker, world(honest, copy))).toThrow('that its key opens for this hotkey');
    }
  });

  it('cannot be named as one’s own', () => {
    const copy = impersonated(honest, { by: attacker, on });
    expect(() => open(copy, attacker, world(honest, copy))).toThrow('Expected a manifest with bucket attacker, got victim');
  });
});

describe('after the commit', () => {
  const committed = handIn(work, { by: attacker, on });
  const later = handIn(bytesOf('what was learned since'), { by: attacker, on });

  it('other bytes of the file are found', () => {
    expect(() => open(committed, attacker, world(swappedFile(committed, later)))).toThrow('Expected other bytes');
  });

  it('another manifest is found', () => {
    expect(() => open(committed, attacker, world(swappedManifest(committed, later)))).toThrow(`Expected a manifest with commit ${committed.record.commit}`);
  });
});
