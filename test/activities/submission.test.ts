import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoundContext, Submission } from '../../activities/round.ts';
import { createSubmissionActivities, type Compared, type ComparisonInput, type Fetched } from '../../activities/submission.ts';
import { ChainUnavailable, isFault, StoreUnavailable, type Fault } from '../../genki/errors.ts';
import { lyingHeader, truncated, withNaN } from '../../genki/attacks/broken-files.ts';
import { byteCopy } from '../../genki/attacks/byte-copy.ts';
import { noisyCopy } from '../../genki/attacks/noisy-copy.ts';
import { inflateNorm } from '../../genki/attacks/norm.ts';
import { encodeHeard } from '../../genki/evaluation/clap/heard-file.ts';
import { decodeGram } from '../../genki/evaluation/gram-file.ts';
import { decodeAdapter, encodeAdapter, updateNorm } from '../../genki/music/lora.ts';
import { decodeCommitRecord } from '../../genki/protocol/commit-record.ts';
import { sha256Hex } from '../../genki/protocol/digests.ts';
import { keyFileOf, seal, signKeyFile, type Content } from '../../genki/protocol/sealing.ts';
import type { AdapterManifest } from '../../genki/protocol/manifest.ts';
import { Random } from '../../genki/protocol/random.ts';
import { contentDigest, decodeSafetensors, encodeSafetensors, type HostTensor } from '../../genki/protocol/safetensors.ts';
import type { ObjectRef, ObjectStore } from '../../genki/store/object-store.ts';
import { TOY, TOY_LORA } from '../genki/music/support/toys.ts';
import { actor, adapterFile, BLOCK_MS, bytesOf, competition, openShelf, openStreet, textOf, type Actor, type Shelf, type Street } from './support/federation.ts';
import { committed, handIn, lay, ownerOf, roundOf, secretOf, type HandIn } from './support/hand-in.ts';

let shelf: Shelf;
let street: Street;
let round: RoundContext;
let fetchSubmission: (input: { round: RoundContext; submission: Submission }) => Promise<Fetched>;
const [validator, second, victim] = ['validator-1', 'validator-2', 'victim'].map(actor) as [Actor, Actor, Actor];
let miners = 0;
/** A miner whose bucket nobody has used. */
const newMiner = (): Actor => actor(`miner-${miners++}`);

beforeAll(async () => {
  shelf = await openShelf();
  round = roundOf(shelf, validator);
  street = await openStreet({ validators: [[validator, 1n]], miners: [] }, { finalityLag: 0 });
  ({ fetchSubmission } = createSubmissionActivities({ ...shelf, chain: street.chain }));
  handIn(shelf, { by: victim });
});
afterAll(async () => {
  await street.stop();
  shelf.remove();
});

const honest = adapterFile('honest');
const read = (file: Uint8Array) => decodeAdapter(file, { music: TOY, lora: TOY_LORA });
const FIRST = 'base_model.model.decoder.model.decoder.layers.0.self_attn.q_proj.lora_A.weight';

/** The honest adapter with its tensors changed. */
function written(change: (tensors: Map<string, HostTensor>) => void): Uint8Array {
  const tensors = new Map(decodeSafetensors(honest).tensors);
  change(tensors);
  return encodeSafetensors(tensors);
}
const floats = (shape: readonly number[], fill = 0): HostTensor => ({ shape, dtype: 'F32', data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill) });
const ref = (change: (honest: ObjectRef) => ObjectRef) => (body: AdapterManifest): AdapterManifest => ({ ...body, files: body.files.map((file) => ({ ...file, ref: change(file.ref) })) });

async function failure(submission: Submission, context = round): Promise<Error> {
  return await fetchSubmission({ round: context, submission }).then(
    () => expect.unreachable('it was taken'),
    (error: unknown) => error as Error,
  );
}

describe('an honest submission', () => {
  it('is frozen in the validator’s bucket, as it was committed', async () => {
    const fetched = await fetchSubmission({ round, submission: handIn(shelf, { by: newMiner(), adapter: honest }) });
    expect(fetched).toEqual({
      adapter: { bucket: validator.bucket, key: `frozen/${sha256Hex(honest)}.safetensors`, sha256: sha256Hex(honest), bytes: honest.byteLength },
      digest: contentDigest(decodeSafetensors(honest).tensors),
      norm: updateNorm(read(honest)),
    });
    expect(await shelf.store.get(fetched.adapter, { maxBytes: 2 ** 20 })).toEqual(honest);
  });

  it('is taken again when the step is done again', async () => {
    const submission = handIn(shelf, { by: newMiner() });
    expect(await fetchSubmission({ round, submission })).toEqual(await fetchSubmission({ round, submission }));
  });

  it('is the same for every validator, and found in each one’s own bucket', async () => {
    const submission = handIn(shelf, { by: newMiner() });
    const { adapter, ...measured } = await fetchSubmission({ round, submission });
    const { adapter: other, ...measuredToo } = await fetchSubmission({ round: roundOf(shelf, second), submission });
    expect(measuredToo).toEqual(measured);
    expect(other).toEqual({ ...adapter, bucket: second.bucket });
  });

  it('may have a file beside the adapter, and its header in another order', async () => {
    const reordered = encodeSafetensors(decodeSafetensors(honest).tensors, { note: 'hello' });
    const body = (manifest: AdapterManifest): AdapterManifest => ({ ...manifest, files: [...manifest.files, { name: 'README.md', ref: { ...manifest.files[0]!.ref, key: 'nowhere' } }] });
    const { digest } = await fetchSubmission({ round, submission: handIn(shelf, { by: newMiner(), adapter: reordered, body }) });
    expect(digest).toBe(contentDigest(decodeSafetensors(honest).tensors));
  });
});

const otherDigest = Buffer.alloc(32, 7).toString('base64');
type Case = [what: string, fault: Fault, reason: string, change: Omit<HandIn, 'by'>];

const manifests: Case[] = [
  ['a signature with a bit changed', 'BadSubmission', 'Expected a signature of', { manifest: (file) => bytesOf(textOf(file).replace(/"signature":"(.)/, (_, digit: string) => `"signature":"${digit === '0' ? '1' : '0'}`)) }],
  ['another one’s signature', 'BadSubmission', 'Expected a signature of', { signer: victim }],
  ['another one’s hotkey in it', 'BadSubmission', 'Expected a manifest with hotkey', { body: (body) => ({ ...body, hotkey: victim.hotkey }) }],
  ['another base', 'BadSubmission', `got ${otherDigest}`, { body: (body) => ({ ...body, base: otherDigest }) }],
  ['another competition', 'BadSubmission', 'Expected a manifest with competition', { body: (body) => ({ ...body, competition: otherDigest }) }],
  ['an unknown kind', 'BadSubmission', 'kind', { body: (body) => ({ ...body, kind: 'delta' }) }],
  ['an unknown key', 'BadSubmission', 'Unrecognized key: "priority"', { body: (body) => ({ ...body, priority: 1 }) }],
  ['keys in another order', 'BadSubmission', 'canonical JSON', { manifest: (file) => bytesOf(JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(textOf(file)) as object).reverse()))) }],
  ['spaces', 'BadSubmission', 'canonical JSON', { manifest: (file) => bytesOf(`${textOf(file)}\n`) }],
  ['more bytes than allowed', 'TooLarge', 'at most 4096 bytes, got 5000', { manifest: () => new Uint8Array(5000).fill(0x20) }],
  ['no bytes', 'BadSubmission', 'JSON and UTF-8', { manifest: () => new Uint8Array(0) }],
  ['no JSON', 'BadSubmission', 'JSON and UTF-8', { manifest: () => bytesOf('PK\x03\x04') }],
  ['nothing under its key', 'ObjectMissing', 'Expected an object', { manifestLies: () => undefined }],
  ['other bytes under its key since the commit', 'BadSubmission', 'Expected a manifest with commit', { manifestLies: (file) => bytesOf(textOf(file).replace('"window":0', '"window":1')) }],
  ['files in another bucket', 'BadSubmission', 'got victim', { body: ref((file) => ({ ...file, bucket: victim.bucket })) }],
  ['a path for a key', 'BadSubmission', 'key', { body: ref((file) => ({ ...file, key: '../../../etc/passwd' })) }],
  ['files without the adapter', 'BadSubmission', 'Expected the file adapter_model.safetensors in the manifest, got model.bin', { body: (body) => ({ ...body, files: body.files.map((file) => ({ ...file, name: 'model.bin' })) }) }],
];

const adapters: Case[] = [
  ['missing', 'ObjectMissing', 'Expected an object', { sealedLies: () => undefined }],
  ['cut off since the commit', 'ChecksumMismatch', 'to have sha256', { sealedLies: truncated }],
  ['changed since the commit', 'ChecksumMismatch', 'to have sha256', { sealedLies: (file) => file.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)) }],
  ['longer than its reference says', 'ChecksumMismatch', 'bytes', { body: ref((file) => ({ ...file, bytes: file.bytes - 1 })) }],
  ['larger than allowed', 'TooLarge', 'at most 65573 bytes, got 70037', { adapter: new Uint8Array(70_000) }],
  ['larger than allowed and than it says', 'TooLarge', 'at most 65573 bytes', { adapter: new Uint8Array(70_000), body: ref((file) => ({ ...file, bytes: 100 })) }],
  ['empty', 'BadSubmission', 'Expected a safetensors file, got 0 bytes', { adapter: new Uint8Array(0) }],
  ['cut off before the commit', 'BadSubmission', 'bytes of tensors', { adapter: truncated(honest) }],
  ['a longer file', 'BadSubmission', 'bytes of tensors', { adapter: Uint8Array.from([...honest, 0]) }],
  ['no safetensors file', 'BadSubmission', 'Expected a header', { adapter: bytesOf('PK\x03\x04 is how an archive begins') }],
  ['a lying header length', 'BadSubmission', 'Expected a header of at most', { adapter: lyingHeader(honest) }],
  ['a lying tensor length', 'BadSubmission', '(F32 [9, 32]) to end at byte', { adapter: Buffer.from(Buffer.from(honest).toString('latin1').replace('[4,32]', '[9,32]'), 'latin1') }],
  ['not a number', 'BadSubmission', 'to be finite, got NaN', { adapter: withNaN(honest) }],
  ['infinite', 'BadSubmission', 'to be finite, got Infinity', { adapter: written((tensors) => tensors.set(FIRST, floats([4, 32], Infinity))) }],
  ['infinite in its product', 'BadSubmission', 'Expected an update of norm at most 1000, got', { adapter: encodeAdapter(inflateNorm(read(honest), 1e30)) }],
  ['too long an update', 'BadSubmission', 'Expected an update of norm at most 1000, got', { adapter: encodeAdapter(inflateNorm(read(honest), 1e4)) }],
  ['of another shape', 'BadSubmission', 'to be F32 [4, 32], got F32 [32, 4]', { adapter: written((tensors) => tensors.set(FIRST, floats([32, 4]))) }],
  ['of another rank', 'BadSubmission', 'to be F32 [4, 32], got F32 [2, 32]', { adapter: written((tensors) => tensors.set(FIRST, floats([2, 32]))) }],
  ['of another dtype', 'BadSubmission', 'to be F32 [4, 32], got F16 [4, 32]', { adapter: written((tensors) => tensors.set(FIRST, { ...floats([4, 32]), dtype: 'F16' })) }],
  ['with a tensor more', 'BadSubmission', 'unknown tensor extra', { adapter: written((tensors) => tensors.set('extra', floats([0]))) }],
  ['with a tensor missing', 'BadSubmission', `Expected tensor ${FIRST}, got none`, { adapter: written((tensors) => tensors.delete(FIRST)) }],
  ['in too many tensors', 'BadSubmission', 'Expected at most 128 tensors', { adapter: written((tensors) => { for (let i = 0; i < 128; i++) tensors.set(`t${i}`, floats([0])); }) }],
];

const content = (change: (honest: Content) => Content) => (body: AdapterManifest): AdapterManifest => ({ ...body, files: body.files.map((file) => ({ ...file, content: change(file.content!) })) });
const shut = 'Expected a sealed file that its key opens for this hotkey, competition and content, it does not';

const seals: Case[] = [
  ['in the clear', 'BadSubmission', 'sealed until its commit is final, got it open', { sealed: () => honest, body: (body) => ({ ...body, files: body.files.map(({ name, ref: file }) => ({ name, ref: file })) }) }],
  ['in the clear, though it says that it is sealed', 'BadSubmission', 'Expected a sealed file, got', { sealed: () => honest }],
  ['sealed by another one', 'BadSubmission', shut, { adapter: honest, sealed: () => seal(honest, secretOf(victim), ownerOf(victim)), key: (_, manifest, by) => signKeyFile({ manifest, secret: secretOf(victim) }, by) }],
  ['sealed with another key', 'BadSubmission', shut, { adapter: honest, sealed: (_, by) => seal(honest, secretOf(victim), ownerOf(by)) }],
  ['of other content than it says', 'BadSubmission', shut, { body: content((named) => ({ ...named, sha256: '0'.repeat(64) })) }],
  ['of another length than it says', 'BadSubmission', 'Expected a sealed file of 137 bytes, got', { body: content((named) => ({ ...named, bytes: 100 })) }],
];

const keys: Case[] = [
  ['that opens nothing', 'BadSubmission', shut, { key: (_, manifest, by) => signKeyFile({ manifest, secret: secretOf(victim) }, by) }],
  ['signed by another one', 'BadSubmission', 'Expected a signature of', { key: (_, manifest, by) => signKeyFile({ manifest, secret: secretOf(by) }, victim) }],
  ['of another manifest', 'BadSubmission', 'Expected the key of the manifest', { key: (_, __, by) => signKeyFile({ manifest: '0'.repeat(40), secret: secretOf(by) }, by) }],
  ['with more bytes than allowed', 'TooLarge', 'at most 1024 bytes, got 1025', { key: () => new Uint8Array(1025) }],
  ['that is no JSON', 'BadSubmission', 'JSON and UTF-8', { key: () => bytesOf('PK\x03\x04') }],
];

const records: Case[] = [
  ['a path for a bucket', 'BadSubmission', 'expected a bucket of 3 to 63 characters', { record: (record) => ({ ...record, name: '../x' }) }],
  ['a folder of the store itself for a bucket', 'BadSubmission', 'expected a bucket of 3 to 63 characters', { record: (record) => ({ ...record, name: '.incoming' }) }],
  ['a repository', 'BadSubmission', 'Expected a bucket of local, got the repository somebody/model', { record: (record) => ({ ...record, namespace: 'somebody', name: 'model' }) }],
  ['a repository that is a path', 'BadSubmission', 'expected a repository of', { record: (record) => ({ ...record, namespace: '..', name: 'etc' }) }],
  ['no commit', 'BadSubmission', 'expected a commit of 40 hex digits', { record: (record) => ({ ...record, commit: null }) }],
  ['a path for a commit', 'BadSubmission', 'expected a commit of 40 hex digits', { record: (record) => ({ ...record, commit: '../../secret' }) }],
  ['no hash', 'BadSubmission', 'Expected a manifest with hash None', { record: (record) => ({ ...record, hash: null }) }],
  ['the hash of something else', 'BadSubmission', `Expected a manifest with hash ${otherDigest}`, { record: (record) => ({ ...record, hash: otherDigest }) }],
];

describe('what is handed in', () => {
  const refused = async (change: Omit<HandIn, 'by'>, fault: Fault, reason: string): Promise<void> => {
    const error = await failure(handIn(shelf, { by: newMiner(), ...change }));
    expect(error).toMatchObject({ name: fault, message: expect.stringContaining(reason) as string });
    expect(isFault(error.name)).toBe(true);
  };
  it.each(manifests)('with a manifest that has %s is refused: %s', async (_, fault, reason, change) => refused(change, fault, reason));
  it.each(adapters)('with an adapter that is %s is refused: %s', async (_, fault, reason, change) => refused(change, fault, reason));
  it.each(seals)('with an adapter that is %s is refused: %s', async (_, fault, reason, change) => refused(change, fault, reason));
  it.each(keys)('with a key %s is refused: %s', async (_, fault, reason, change) => refused(change, fault, reason));
  it.each(records)('with a record that names %s is refused: %s', async (_, fault, reason, change) => refused(change, fault, reason));

  const hex = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('hex');
  it.each([
    ['129 bytes', hex(`local:${'a'.repeat(28)}:${'0'.repeat(40)}:${'A'.repeat(44)}:rubynano`), 'expected at most 128 bytes, got "129"'],
    ['six fields', hex('local:miner:a:b:rn:x'), 'expected five fields, got "6"'],
    ['no UTF-8', hex(Buffer.concat([Buffer.from('local:'), Buffer.of(0xff, 0xfe), Buffer.from(':a:b:rn')])), 'expected UTF-8'],
    ['an empty field', hex('local::a:b:rn'), 'an empty one'],
    ['no bytes', '', 'expected five fields'],
  ])('under a record of %s is refused', async (_, data, reason) => {
    expect(await failure(committed(newMiner(), data))).toMatchObject({ name: 'BadSubmission', message: expect.stringContaining(reason) as string });
  });

  it('under another one’s record, word for word, is refused', async () => {
    const { data } = handIn(shelf, { by: newMiner() });
    expect(await failure(committed(newMiner(), data))).toMatchObject({ name: 'BadSubmission', message: expect.stringContaining('Expected a signature of') as string });
  });

  it('under another one’s bound digest is refused, although manifest and files are one’s own', async () => {
    const original = decodeCommitRecord(handIn(shelf, { by: newMiner(), adapter: honest }).data);
    if (!original.ok) expect.unreachable();
    const copier = newMiner();
    const submission = handIn(shelf, { by: copier, adapter: honest, record: (record) => ({ ...record, hash: original.value.hash }) });
    expect(await failure(submission)).toMatchObject({ name: 'BadSubmission', message: expect.stringContaining(`Expected a manifest with hash ${original.value.hash}`) as string });
  });

  it('with a manifest of the other kind is refused', async () => {
    const { genesisDama: dama } = shelf.deployment;
    const by = newMiner();
    const body = ({ version, run, competition, hotkey, base }: AdapterManifest) => ({ version, run, competition, hotkey, base, kind: 'dama', epoch: 0, dama, report: dama.config, files: [] });
    expect(await failure(handIn(shelf, { by, body }))).toMatchObject({ name: 'BadSubmission', message: 'Expected a manifest of kind adapter, got dama' });
  });

  it('cannot bring its own lines and colours into a report', async () => {
    const body = (manifest: AdapterManifest) => ({ ...manifest, '\u001b[2J\nrank 1\u202e': 1, ['x'.repeat(2000)]: 1 });
    const { message } = await failure(handIn(shelf, { by: newMiner(), body }));
    expect(message).toMatch(/^[ -~]{1,400}$/);
    expect(message).toContain('?[2J rank 1?');
  });
});

describe('what is not the miner’s fault', () => {
  it('is a manifest of a newer version', async () => {
    const submission = handIn(shelf, { by: newMiner(), body: (body) => ({ ...body, version: 2, later: true }) });
    expect(await failure(submission)).toMatchObject({ name: 'NewerSchema', message: 'Expected a schema of version 1 or older, got 2' });
    expect(isFault('NewerSchema')).toBe(false);
  });

  it('is a store that cannot answer', async () => {
    const submission = handIn(shelf, { by: newMiner() });
    const silent: ObjectStore = { ...shelf.store, getByKey: (bucket, key, options) => (bucket.startsWith('miner') ? Promise.reject(new StoreUnavailable('out of order')) : shelf.store.getByKey(bucket, key, options)) };
    await expect(createSubmissionActivities({ ...shelf, chain: street.chain, store: silent }).fetchSubmission({ round, submission })).rejects.toThrow(StoreUnavailable);
    expect(isFault('StoreUnavailable')).toBe(false);
    await expect(fetchSubmission({ round, submission })).resolves.toMatchObject({ norm: expect.any(Number) as number });
  });

  it.each<[string, (submission: Submission) => RoundContext]>([
    ['a Dama without its configuration', () => ({ ...round, base: { ...round.base, config: { ...round.base.config, key: 'gone.json' } } })],
    ['a Dama with another configuration', () => ({ ...round, base: { ...round.base, config: { ...round.base.config, sha256: '0'.repeat(64) } } })],
  ])('is %s', async (_, broken) => {
    const submission = handIn(shelf, { by: newMiner() });
    expect(await failure(submission, broken(submission))).toMatchObject({ name: 'StoreUnavailable', message: expect.stringContaining("Expected the round's own objects") as string });
  });

  it('is a frozen copy that the validator’s disk has spoiled', async () => {
    const submission = handIn(shelf, { by: newMiner() });
    const { adapter } = await fetchSubmission({ round, submission });
    lay(shelf.root, `${adapter.bucket}/${adapter.key}`, bytesOf('spoiled'));
    expect((await failure(submission)).name).toBe('StoreUnavailable');
  });
});

describe('a refusal', () => {
  const keysOf = async (bucket: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const key of shelf.store.list(bucket, '')) keys.push(key);
    return keys;
  };
  const late = (by: Actor): Submission => handIn(shelf, { by, adapter: adapterFile(by.name), sealedLies: () => undefined });
  const bringAfterAll = (by: Actor): void => {
    const sealed = seal(adapterFile(by.name), secretOf(by), ownerOf(by));
    lay(shelf.root, `${by.bucket}/adapters/${sha256Hex(sealed)}.sealed`, sealed);
  };

  it('is remembered: what comes later is not looked at, and the reason stays the same', async () => {
    const by = newMiner();
    const submission = late(by);
    const first = await failure(submission);
    bringAfterAll(by);
    expect(await failure(submission)).toMatchObject({ name: first.name, message: first.message });
    rmSync(join(shelf.root, by.bucket), { recursive: true });
    expect(await failure(submission)).toMatchObject({ name: 'ObjectMissing', message: first.message });
  });

  it('reads the same with validators that looked for themselves', async () => {
    const submission = handIn(shelf, { by: newMiner(), body: (body) => ({ ...body, run: 'ü', ['ü'.repeat(600)]: 1 }) });
    const first = await failure(submission);
    expect(await failure(submission, roundOf(shelf, second))).toMatchObject({ name: first.name, message: first.message });
    expect(await failure(submission)).toMatchObject({ name: first.name, message: first.message });
  });

  it('lies in the validator’s private bucket, once', async () => {
    const reader = actor('validator-3');
    const submission = late(newMiner());
    const { message } = await failure(submission, roundOf(shelf, reader));
    await failure(submission, roundOf(shelf, reader));
    const keys = await keysOf(reader.privateBucket);
    expect(keys).toEqual([expect.stringMatching(/^refused\/[0-9a-f]{64}\.json$/)]);
    expect(JSON.parse(textOf(await shelf.store.getByKey(reader.privateBucket, keys[0]!, { maxBytes: 4096 })))).toEqual({ version: 1, error: 'ObjectMissing', reason: message });
    expect(await keysOf(reader.bucket)).toEqual([]);
  });

  it('ends with a new commitment', async () => {
    const by = newMiner();
    const submission = late(by);
    await failure(submission);
    bringAfterAll(by);
    await expect(fetchSubmission({ round, submission: { ...submission, commitBlock: 9 } })).resolves.toMatchObject({ adapter: { bucket: validator.bucket } });
  });

  it('holds for the Dama that it was said of', async () => {
    const submission = handIn(shelf, { by: newMiner() });
    expect(await failure(submission, { ...round, base: { ...round.base, digest: otherDigest } })).toMatchObject({ message: expect.stringContaining('with base') as string });
    await expect(fetchSubmission({ round, submission })).resolves.toMatchObject({ adapter: { bucket: validator.bucket } });
  });

  it('is forgotten when what was kept of it is spoiled', async () => {
    const [reader, by] = [actor('validator-4'), newMiner()];
    const submission = late(by);
    await failure(submission, roundOf(shelf, reader));
    for (const key of await keysOf(reader.privateBucket)) lay(shelf.root, `${reader.privateBucket}/${key}`, bytesOf('{"version":1,"error":"Whatever"'));
    expect((await failure(submission, roundOf(shelf, reader))).name).toBe('ObjectMissing');
    bringAfterAll(by);
    await expect(fetchSubmission({ round: roundOf(shelf, reader), submission })).resolves.toMatchObject({ adapter: { bucket: reader.bucket } });
  });

  it('is not made of what may pass', async () => {
    const reader = actor('validator-5');
    await failure(handIn(shelf, { by: newMiner(), body: (body) => ({ ...body, version: 2 }) }), roundOf(shelf, reader));
    expect(await keysOf(reader.privateBucket)).toEqual([]);
  });
});

describe('the key', () => {
  const withheld = (by: Actor): { submission: Submission; publish: () => void } => {
    let publish = (): void => expect.unreachable('no key was made');
    const submission = handIn(shelf, { by, key: (file, commit) => { publish = () => lay(shelf.root, `${by.bucket}/${keyFileOf(commit)}`, file); return undefined; } });
    return { submission, publish: () => publish() };
  };
  const { keyDeadlineBlocks } = competition.timing;
  const headIs = async (block: number): Promise<void> => { await street.blocks(block - (await street.chain.head()).number); };

  it('is waited for until the deadline, and what comes until then is taken', async () => {
    await headIs(1);
    const reader = actor('validator-6');
    const { submission, publish } = withheld(newMiner());
    const early = await failure(submission, roundOf(shelf, reader));
    expect(early).toMatchObject({ type: 'KeyNotPublished', nonRetryable: false, nextRetryDelay: BLOCK_MS, message: expect.stringMatching(/ is not there yet, it has until block 10, the head is 1$/) as string });
    expect(early).toBeInstanceOf(ApplicationFailure);
    await headIs(submission.commitBlock + keyDeadlineBlocks - 1);
    expect(await failure(submission, roundOf(shelf, reader))).toMatchObject({ type: 'KeyNotPublished' });
    publish();
    await headIs(submission.commitBlock + keyDeadlineBlocks);
    await expect(fetchSubmission({ round: roundOf(shelf, reader), submission })).resolves.toMatchObject({ adapter: { bucket: reader.bucket } });
  });

  it('does not help any more once validators have looked for it after the deadline', async () => {
    const { submission, publish } = withheld(newMiner());
    await headIs(submission.commitBlock + keyDeadlineBlocks);
    const readers = [validator, second].map((reader) => roundOf(shelf, reader));
    const [first, other] = [await failure(submission, readers[0]), await failure(submission, readers[1])];
    expect(first).toMatchObject({ name: 'BadSubmission', message: expect.stringMatching(/^Expected the key miner-\d+\/manifests\/[0-9a-f]{40}\.key\.json by block 10, got none$/) as string });
    expect(other.message).toBe(first.message);
    publish();
    for (const reader of readers) expect(await failure(submission, reader)).toMatchObject({ name: 'BadSubmission', message: first.message });
  });

  it('is not waited for on a chain that does not answer', async () => {
    const { submission } = withheld(newMiner());
    const chain = { ...street.chain, head: () => Promise.reject(new ChainUnavailable('out of order')) };
    await expect(createSubmissionActivities({ ...shelf, chain }).fetchSubmission({ round, submission })).rejects.toThrow(ChainUnavailable);
  });
});

describe('comparing', () => {
  type Taken = Fetched & Pick<Submission, 'hotkey' | 'commitBlock' | 'commitIndex'>;
  const take = async (adapter: Uint8Array, by = newMiner()): Promise<Taken> => {
    const submission = handIn(shelf, { by, adapter });
    return { ...(await fetchSubmission({ round, submission })), hotkey: by.hotkey, commitBlock: submission.commitBlock, commitIndex: submission.commitIndex };
  };
  const compare = async (submissions: readonly Taken[], more: Partial<ComparisonInput> = {}) => {
    const snapshot = await street.chain.head();
    return await createSubmissionActivities({ ...shelf, chain: street.chain }).compareSubmissions({ round: { ...round, snapshot, prefix: `rounds/${rounds++}` }, submissions, ...more });
  };
  let rounds = 0;
  const kept = async ({ gram }: Compared, rows: number) => decodeGram(await shelf.store.get(gram, { maxBytes: gram.bytes }), rows);

  it('finds copies of earlier ones, and keeps how alike all are', async () => {
    const [one, two] = ['one', 'two'].map((seed) => adapterFile(seed, 0.5)) as [Uint8Array, Uint8Array];
    const submissions = [];
    for (const file of [one, encodeAdapter(byteCopy(read(one))), two, encodeAdapter(noisyCopy(read(two), new Random('noise')))]) submissions.push(await take(file));
    const compared = await compare(submissions);
    expect(compared.originals).toEqual([0, 2]);
    expect(compared.duplicates.map(({ index }) => index)).toEqual([1, 3]);
    expect(compared.similarities.map(({ to, by }) => [to, by])).toEqual([[undefined, undefined], [0, 'digest'], [expect.any(Number), expect.any(String)], [2, 'update']]);
    const gram = await kept(compared, 4);
    submissions.forEach(({ norm }, i) => expect(Math.sqrt(gram[i]![i]!)).toBeCloseTo(norm, 9));
  });

  it('enters all in the ledger, as it would be without those who take from others', async () => {
    const [one, two] = [await take(adapterFile('first of all', 0.5)), await take(adapterFile('second of all', 0.5))];
    const { ledger } = await compare([one, two]);
    expect(ledger.count).toBe(2);
    const copier = await take(adapterFile('first of all', 0.5));
    expect((await compare([one, two, { ...copier, commitBlock: one.commitBlock + 1 }])).ledger).toEqual(ledger);
  });

  const heardAs = async (name: string, clips: readonly (readonly number[])[]) =>
    await shelf.store.putOnce(validator.privateBucket, `heard/${name}.safetensors`, encodeHeard(clips.map((clip) => ({ clip: Float32Array.from(clip), windows: [Float32Array.from(clip)] }))));

  it('takes for a copy what plays the same, but for what the Dama plays itself', async () => {
    const submissions = [await take(adapterFile('an ear', 0.5)), await take(adapterFile('another', 0.5))];
    const base = await heardAs('base', [[0, 1], [0, 1]]);
    const own = await heardAs('own', [[1, 0], [1, 0]]);
    const same = await compare(submissions, { outputs: { heard: [own, own], base, alike: 0.5 } });
    expect(same.similarities[1]).toEqual({ similarity: 1, to: 0, by: 'outputs' });
    expect(same.originals).toEqual([0]);
    // whoever learned nothing for a prompt plays it like the Dama: nobody took that from anybody
    expect((await compare(submissions, { outputs: { heard: [base, base], base, alike: 0.5 } })).originals).toEqual([0, 1]);
  });
});
