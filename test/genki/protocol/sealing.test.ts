import { createCipheriv, createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../../genki/chain/keys.ts';
import { BadSubmission, InvalidInput, NewerSchema } from '../../../genki/errors.ts';
import { canonicalJson } from '../../../genki/protocol/canonical-json.ts';
import { sha256Hex } from '../../../genki/protocol/digests.ts';
import { Random } from '../../../genki/protocol/random.ts';
import { contentOf, keyFileOf, MAX_KEY_FILE_BYTES, openKeyFile, seal, SEAL_BYTES, SECRET_BYTES, signKeyFile, unseal, type Content, type Owner } from '../../../genki/protocol/sealing.ts';

const miner = createSigner('//miner-1');
const other = createSigner('//miner-2');
const owner: Owner = { hotkey: miner.hotkey, competition: Buffer.alloc(32, 1).toString('base64') };
const bytesOf = (seed: string, count: number): Uint8Array => Uint8Array.from({ length: count }, ((random) => () => random.int(256))(new Random(seed)));
const secret = bytesOf('secret', SECRET_BYTES);
const key = secret.subarray(0, 32);
const song = bytesOf('song', 5000);
const sealed = seal(song, secret, owner);
const content = contentOf(song);

/** As the contract says, from nothing else. */
const associated = ({ hotkey, competition }: Owner, { bytes, sha256 }: Content): Uint8Array => Buffer.from(`genki-sealed-v1:{"bytes":${bytes},"competition":"${competition}","hotkey":"${hotkey}","sha256":"${sha256}"}`);
function sealedByHand(body: Uint8Array, named: Content, version = 1): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, secret.subarray(32)).setAAD(associated(owner, named));
  return Buffer.concat([Buffer.from('GENKSEAL'), Buffer.of(version), secret.subarray(32), cipher.update(body), cipher.final(), cipher.getAuthTag()]);
}
const flipped = (file: Uint8Array, at: number): Uint8Array => file.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe('a sealed file', () => {
  it.each([0, 1, 16, 5000])('of %i bytes is opened by its key, and 37 bytes longer', (count) => {
    const body = bytesOf('body', count);
    const file = seal(body, secret, owner);
    expect(file.byteLength).toBe(count + 37);
    expect(SEAL_BYTES).toBe(37);
    expect(Buffer.compare(unseal(file, key, { ...owner, content: contentOf(body) }), body)).toBe(0);
  });

  it('is laid out as the contract says', () => {
    expect(Buffer.from(sealed)).toEqual(Buffer.from(sealedByHand(song, content)));
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(9, 21)).setAAD(associated(owner, content)).setAuthTag(sealed.subarray(-16));
    expect(Buffer.compare(Buffer.concat([decipher.update(sealed.subarray(21, -16)), decipher.final()]), song)).toBe(0);
    expect(sha256Hex(sealed)).toBe('6de42f3f80538d3101be4c6a15e3aa8ee228e3e6f35067d6b59b21607dfc71af');
  });

  it('shows nothing of its content', () => {
    const silence = seal(new Uint8Array(4096), secret, owner).subarray(21, -16);
    expect(new Set(silence).size).toBeGreaterThan(200);
  });

  const opened = (file: Uint8Array, change: { key?: Uint8Array; owner?: Partial<Owner>; content?: Content } = {}) => (): Uint8Array => unseal(file, change.key ?? key, { ...owner, ...change.owner, content: change.content ?? content });
  const notOpened = 'Expected a sealed file that its key opens for this hotkey, competition and content, it does not';

  it.each<[string, () => Uint8Array, string]>([
    ['another key', opened(sealed, { key: bytesOf('other', 32) }), notOpened],
    ['the owner of a copy', opened(sealed, { owner: { hotkey: other.hotkey } }), notOpened],
    ['another competition', opened(sealed, { owner: { competition: Buffer.alloc(32, 2).toString('base64') } }), notOpened],
    ['another digest in the manifest', opened(sealed, { content: { ...content, sha256: '0'.repeat(64) } }), notOpened],
    ['another length in the manifest', opened(sealed, { content: { ...content, bytes: 4999 } }), 'Expected a sealed file of 5036 bytes, got 5037'],
    ['a bit of the nonce changed', opened(flipped(sealed, 9)), notOpened],
    ['a bit of the ciphertext changed', opened(flipped(sealed, 21)), notOpened],
    ['the last bit of the ciphertext changed', opened(flipped(sealed, sealed.byteLength - 17)), notOpened],
    ['a bit of the tag changed', opened(flipped(sealed, sealed.byteLength - 1)), notOpened],
    ['its end missing', opened(sealed.subarray(0, -1)), 'got 5036'],
    ['a byte more', opened(Buffer.concat([sealed, Buffer.of(0)])), 'got 5038'],
    ['another magic', opened(flipped(sealed, 0)), 'Expected a sealed file, got 5037 other bytes'],
    ['nothing in it', opened(new Uint8Array(0)), 'Expected a sealed file, got 0 other bytes'],
    ['its magic alone', opened(sealed.subarray(0, 8)), 'of version 1, got undefined'],
    ['its header alone', opened(sealed.subarray(0, 21)), 'of 5037 bytes, got 21'],
    ['version 0', opened(sealedByHand(song, content, 0)), 'of version 1, got 0'],
    ['its content in the clear', opened(song), 'other bytes'],
    ['other content than it was sealed for', opened(sealedByHand(flipped(song, 7), content)), `Expected a sealed file to hold the content ${content.sha256}, got ${sha256Hex(flipped(song, 7))}`],
  ])('with %s is refused', (_, open, reason) => {
    expect(open).toThrow(BadSubmission);
    expect(open).toThrow(reason);
  });

  it('of a newer version is nobody’s fault', () => {
    expect(opened(sealedByHand(song, content, 2))).toThrow(NewerSchema);
  });

  it.each([0, 32, 43, 45])('is not made with a secret of %i bytes', (count) => {
    expect(() => seal(song, new Uint8Array(count), owner)).toThrow(InvalidInput);
  });
});

const manifest = '0123456789'.repeat(4);
const good = signKeyFile({ manifest, secret }, miner);
/** A file signed by the miner, whatever it says. */
function signedByHand(body: unknown, domain = 'genki-key-v1:', signer = miner): Uint8Array {
  const signature = Buffer.from(signer.sign(Buffer.from(domain + canonicalJson(body)))).toString('hex');
  return Buffer.from(canonicalJson({ body, signature }));
}

describe('a key’s file', () => {
  const expected = { hotkey: miner.hotkey, manifest };
  const body = { version: 1, manifest, key: Buffer.from(key).toString('hex') };

  it('gives the key to whoever knows whose and of what it is', () => {
    expect(openKeyFile(good, expected, verifySignature)).toEqual(Buffer.from(key));
    expect(openKeyFile(signedByHand(body), expected, verifySignature)).toEqual(Buffer.from(key));
    expect(good.byteLength).toBeLessThan(MAX_KEY_FILE_BYTES / 2);
    expect(Buffer.from(good).toString()).not.toContain(Buffer.from(secret.subarray(32)).toString('hex'));
  });

  it('lies beside its manifest', () => {
    expect(keyFileOf(manifest)).toBe(`manifests/${manifest}.key.json`);
  });

  it.each<[string, Uint8Array, string]>([
    ['signed by another', signKeyFile({ manifest, secret }, other), 'Expected a signature of'],
    ['signed for another purpose', signedByHand(body, 'genki-manifest-v1:'), 'Expected a signature of'],
    ['of another manifest', signKeyFile({ manifest: 'a'.repeat(40), secret }, miner), `Expected the key of the manifest ${manifest}, got that of ${'a'.repeat(40)}`],
    ['that is no JSON', Buffer.from('key'), 'JSON and UTF-8'],
    ['that is empty', new Uint8Array(0), 'JSON and UTF-8'],
    ['with spaces', Buffer.concat([good, Buffer.from('\n')]), 'canonical JSON'],
    ['with a short key', signedByHand({ ...body, key: '00' }), 'key'],
    ['with a key that is no hex', signedByHand({ ...body, key: 'g'.repeat(64) }), 'key'],
    ['with a path for a manifest', signedByHand({ ...body, manifest: '../../x' }), 'manifest'],
    ['with an unknown key', signedByHand({ ...body, nonce: '00' }), 'Unrecognized key: "nonce"'],
    ['without a key', signedByHand({ version: 1, manifest }), 'key'],
  ])('%s is refused', (_, file, reason) => {
    expect(() => openKeyFile(file, expected, verifySignature)).toThrow(BadSubmission);
    expect(() => openKeyFile(file, expected, verifySignature)).toThrow(reason);
  });

  it('of a newer version is nobody’s fault', () => {
    expect(() => openKeyFile(signedByHand({ ...body, version: 2 }, 'genki-key-v2:'), expected, verifySignature)).toThrow(NewerSchema);
  });
});
