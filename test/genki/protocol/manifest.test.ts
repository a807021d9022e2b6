import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { boundDigest, dirDigest, fileDigest, sha256Hex } from '../../../genki/protocol/digests.ts';
import { ADAPTER_FILE, manifestCommit, manifestHash, manifestKey, signManifest, verifyManifest, type AdapterManifest, type DamaManifest, type ExpectedManifest, type RunManifest, type WindowManifest, UPDATE_FILE } from '../../../genki/protocol/manifest.ts';
import { Random } from '../../../genki/protocol/random.ts';
import type { ObjectRef } from '../../../genki/store/object-store.ts';

const miner = createSigner('//miner-1');
const other = createSigner('//miner-2');
const digest = (name: string): string => createHash('sha256').update(name).digest('base64');
const ref = (key: string, bucket = 'miner-1'): ObjectRef => ({ bucket, key, sha256: createHash('sha256').update(key).digest('hex'), bytes: 10 });

const adapter: AdapterManifest = {
  version: 1,
  kind: 'adapter',
  run: 'training/rn/7/miner-1',
  competition: digest('ruby'),
  hotkey: miner.hotkey,
  base: digest('dama 0'),
  window: 7,
  files: [{ name: ADAPTER_FILE, ref: ref('adapters/7/a'), content: { sha256: '7'.repeat(64), bytes: 3 } }, { name: 'adapter_config.json', ref: ref('adapters/7/b') }],
  dataset: { name: 'my songs', licence: 'CC0-1.0', sharing: 'private', digest: digest('songs'), clips: 64 },
  training: { steps: 40, firstLoss: 2.5, lastLoss: 0.75, engine: 'onnx' },
};
const dama: DamaManifest = {
  version: 1,
  kind: 'dama',
  run: 'validation/1/3',
  competition: digest('ruby'),
  hotkey: miner.hotkey,
  base: digest('dama 0'),
  epoch: 3,
  files: [],
  dama: { digest: digest('dama 1'), weights: ref('damas/1/model.safetensors'), config: ref('damas/1/config.json') },
  report: ref('reports/3.json'),
};
const run: RunManifest = { version: 1, kind: 'run', run: 'training/rw/miner-1', competition: digest('ruby'), hotkey: miner.hotkey, base: digest('dama 0'), files: [] };
const update: WindowManifest = { ...run, kind: 'window', window: 42, base: digest('model after 41'), files: [{ name: UPDATE_FILE, ref: ref('updates/42'), content: { sha256: '7'.repeat(64), bytes: 3 } }] };
const slice: WindowManifest = { ...update, files: [], root: '7'.repeat(64), count: 1_120_000 };
const expected: ExpectedManifest<'adapter'> = { kind: 'adapter', hotkey: miner.hotkey, competition: adapter.competition, base: adapter.base, bucket: 'miner-1' };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A file signed by the miner, whatever it says. */
function signedByHand(body: unknown, domain = 'genki-manifest-v1:', signer = miner): Uint8Array {
  const signature = Buffer.from(signer.sign(new TextEncoder().encode(domain + canonicalJson(body)))).toString('hex');
  return new TextEncoder().encode(canonicalJson({ body, signature }));
}

describe('manifest', () => {
  it('is read back by whoever knows what to expect', () => {
    const file = signManifest(adapter, miner);
    const record = { commit: manifestCommit(file), hash: manifestHash(file, adapter) };
    expect(verifyManifest(file, { ...expected, record }, verifySignature)).toEqual(adapter);
    const { kind, hotkey, competition } = expected;
    expect(verifyManifest(file, { kind, hotkey, competition }, verifySignature).training?.steps).toBe(40);
    expect(verifyManifest(signManifest(dama, miner), { ...expected, kind: 'dama' }, verifySignature).dama).toEqual(dama.dama);
  });

  it('lies under the first 40 digits of its digest', () => {
    const file = signManifest(adapter, miner);
    expect(manifestKey(file)).toBe(`manifests/${sha256Hex(file).slice(0, 40)}.json`);
  });

  it('is bound with its files to its hotkey', () => {
    const file = signManifest(adapter, miner);
    const dir = dirDigest(new Map([
      ['manifest.json', fileDigest(file)],
      ['adapter_config.json', digest('adapters/7/b')],
      ['adapter_model.safetensors', digest('adapters/7/a')],
    ]));
    expect(manifestHash(file, adapter)).toBe(boundDigest(dir, miner.hotkey));
    expect(manifestHash(file, { ...adapter, hotkey: other.hotkey })).not.toBe(manifestHash(file, adapter));
  });

  it('is not signed for somebody else, or with something missing', () => {
    expect(() => signManifest(adapter, other)).toThrow(`Expected a manifest of ${other.hotkey}, got one of ${miner.hotkey}`);
    expect(() => signManifest({ ...adapter, files: [] }, miner)).toThrow(InvalidInput);
    expect(() => signManifest({ ...adapter, base: 'latest' }, miner)).toThrow(InvalidInput);
  });

  const good = signManifest(adapter, miner);
  it.each<[string, Partial<ExpectedManifest<'adapter'>>, string]>([
    ['another hotkey', { hotkey: other.hotkey }, `Expected a signature of ${other.hotkey}`],
    ['another competition', { competition: digest('emerald') }, `Expected a manifest with competition ${digest('emerald')}, got ${digest('ruby')}`],
    ['another base', { base: digest('dama 1') }, `Expected a manifest with base ${digest('dama 1')}, got ${digest('dama 0')}`],
    ['another bucket', { bucket: 'miner-2' }, 'Expected a manifest with bucket miner-2, got miner-1'],
    ['another commit', { record: { commit: '0'.repeat(40), hash: null } }, `Expected a manifest with commit ${'0'.repeat(40)}, got ${manifestCommit(good)}`],
    ['no hash in the record', { record: { commit: manifestCommit(good), hash: null } }, 'Expected a manifest with hash None, got'],
    ['a hash of another hotkey', { record: { commit: manifestCommit(good), hash: manifestHash(good, { ...adapter, hotkey: other.hotkey }) } }, 'with hash'],
  ])('is refused where %s is expected', (_, difference, reason) => {
    expect(() => verifyManifest(good, { ...expected, ...difference }, verifySignature)).toThrow(BadSubmission);
    expect(() => verifyManifest(good, { ...expected, ...difference }, verifySignature)).toThrow(reason);
  });

  it('is refused when it is of the other kind', () => {
    expect(() => verifyManifest(signManifest(dama, miner), expected, verifySignature)).toThrow('Expected a manifest of kind adapter, got dama');
  });

  it('of a run, of a window and of the root of one are read back, each as what it is', () => {
    const wanted = { hotkey: miner.hotkey, competition: digest('ruby'), bucket: 'miner-1' };
    expect(verifyManifest(signManifest(run, miner), { ...wanted, kind: 'run' }, verifySignature)).toEqual(run);
    expect(verifyManifest(signManifest(update, miner), { ...wanted, kind: 'window', base: digest('model after 41') }, verifySignature)).toEqual(update);
    expect(verifyManifest(signManifest(slice, miner), { ...wanted, kind: 'window' }, verifySignature)).toEqual(slice);
    expect(() => verifyManifest(signManifest(run, miner), { ...wanted, kind: 'window' }, verifySignature)).toThrow('Expected a manifest of kind window, got run');
  });

  it.each<[string, unknown, string]>([
    ['a run with a file', { ...run, files: update.files }, 'files'],
    ['a window with neither file nor root', { ...update, files: [] }, 'either the file update.safetensors or a root and a count'],
    ['a window with a file and a root', { ...update, root: '7'.repeat(64), count: 3 }, 'either the file'],
    ['a window with a root that counts nothing', { ...slice, count: undefined }, 'either the file'],
    ['a window with a file of another name', { ...update, files: [{ ...update.files[0], name: 'adapter_model.safetensors' }] }, 'no file but update.safetensors'],
    ['a window with a file that is open', { ...update, files: [{ name: UPDATE_FILE, ref: ref('updates/42') }] }, 'sealed'],
    ['a window without its number', { ...update, window: undefined }, 'window'],
  ])('is not signed for %s', (_, body, reason) => {
    expect(() => signManifest(JSON.parse(JSON.stringify(body)) as WindowManifest, miner)).toThrow(reason);
  });

  const path = '../../etc/passwd';
  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'JSON and UTF-8'],
    ['no JSON', Buffer.from('PK\x03\x04'), 'JSON and UTF-8'],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'JSON and UTF-8'],
    ['JSON too deep', Buffer.from('['.repeat(30_000) + ']'.repeat(30_000)), 'JSON and UTF-8'],
    ['a lone surrogate', Buffer.from('{"body":"\\ud800"}'), 'JSON and UTF-8'],
    ['spaces', Buffer.from(JSON.stringify(JSON.parse(text(good)), null, 1)), 'canonical JSON'],
    ['a byte more', Buffer.concat([good, Buffer.from(' ')]), 'canonical JSON'],
    ['a key twice', Buffer.from(text(good).replace('{"body":', '{"body":{"version":1},"body":')), 'canonical JSON'],
    ['a list', Buffer.from('[]'), 'Expected a signed file'],
    ['no signature', Buffer.from(canonicalJson({ body: adapter })), 'signature'],
    ['a short signature', Buffer.from(canonicalJson({ body: adapter, signature: '00' })), 'signature'],
    ['an empty signature', Buffer.from(canonicalJson({ body: adapter, signature: '00'.repeat(64) })), 'Expected a signature of'],
    ['a key beside the body', Buffer.from(text(good).replace(/}$/, ',"x":1}')), 'Unrecognized key: "x"'],
    ['a signature in capitals', Buffer.from(text(good).replace(/(?<="signature":")[0-9a-f]+/, (hex) => hex.toUpperCase())), '128 lower-case hex digits'],
    ['a changed body', Buffer.from(text(good).replace('"steps":40', '"steps":41')), 'Expected a signature of'],
    ['another one’s signature', signedByHand(adapter, undefined, other), 'Expected a signature of'],
    ['a signature for another purpose', signedByHand(adapter, 'genki-lease-v1:'), 'Expected a signature of'],
    ['a hotkey that is not the signer', signedByHand({ ...adapter, hotkey: other.hotkey }), `Expected a manifest with hotkey ${miner.hotkey}`],
    ['an unknown key', signedByHand({ ...adapter, priority: 1 }), 'Unrecognized key: "priority"'],
    ['an unknown key in a file', signedByHand({ ...adapter, files: [{ ...adapter.files[0], url: 'http://x' }] }), 'Unrecognized key: "url"'],
    ['an unknown kind', signedByHand({ ...adapter, kind: 'model' }), 'kind'],
    ['fields of the other kind', signedByHand({ ...adapter, epoch: 1 }), 'Unrecognized key: "epoch"'],
    ['no files', signedByHand({ ...adapter, files: [] }), 'files'],
    ['a file name that is a path', signedByHand({ ...adapter, files: [{ name: path, ref: ref('a') }] }), 'name'],
    ['a key that is a path', signedByHand({ ...adapter, files: [{ name: 'a', ref: { ...ref('a'), key: path } }] }), 'key'],
    ['a bucket that is a path', signedByHand({ ...adapter, files: [{ name: 'a', ref: { ...ref('a'), bucket: '..' } }] }), 'bucket'],
    ['a file in another bucket', signedByHand({ ...adapter, files: [{ name: 'a', ref: ref('a', 'miner-2') }] }), 'with bucket miner-1, got miner-2'],
    ['a file twice', signedByHand({ ...adapter, files: [{ name: 'a', ref: ref('a') }, { name: 'a', ref: ref('b') }] }), 'each name once'],
    ['a file named as the manifest', signedByHand({ ...adapter, files: [{ name: 'manifest.json', ref: ref('a') }] }), 'no file named'],
    ['a size that is no number', signedByHand({ ...adapter, files: [{ name: 'a', ref: { ...ref('a'), bytes: '10' } }] }), 'bytes'],
    ['a content that is a reference', signedByHand({ ...adapter, files: [{ name: 'a', ref: ref('a'), content: ref('a') }] }), 'Unrecognized keys: "bucket", "key"'],
    ['a content without its length', signedByHand({ ...adapter, files: [{ name: 'a', ref: ref('a'), content: { sha256: '7'.repeat(64) } }] }), 'bytes'],
    ['a negative size', signedByHand({ ...adapter, files: [{ name: 'a', ref: { ...ref('a'), bytes: -1 } }] }), 'bytes'],
    ['a version below 1', signedByHand({ ...adapter, version: 0 }), 'version'],
  ])('with %s is refused', (_, file, reason) => {
    expect(() => verifyManifest(file, expected, verifySignature)).toThrow(BadSubmission);
    expect(() => verifyManifest(file, expected, verifySignature)).toThrow(reason);
  });

  it('of a newer version is nobody’s fault', () => {
    expect(() => verifyManifest(signedByHand({ ...adapter, version: 2, later: true }, 'genki-manifest-v2:'), expected, verifySignature)).toThrow(NewerSchema);
  });

  it('is refused with any byte changed, and never with another error', () => {
    const random = new Random('manifests');
    for (let i = 0; i < 500; i++) {
      const changed = good.slice();
      const at = random.int(changed.length);
      changed[at] = (changed[at]! + 1 + random.int(255)) % 256;
      let caught: unknown;
      try {
        verifyManifest(changed, expected, verifySignature);
      } catch (error) {
        caught = error;
      }
      expect(caught instanceof BadSubmission || caught instanceof NewerSchema).toBe(true);
    }
  });
});
