import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Keyring } from '@polkadot/keyring';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../genki/chain/keys.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { Key, type Keystore } from '../../workers/keystore.ts';
import { ensurePassphrase, Passphrase, readPassphrase } from '../../workers/passphrase.ts';
import { listWallets, loadWallet, loadWallets, parseKeystore, saveWallet, walletFile } from '../../workers/wallets.ts';

const root = mkdtempSync(join(tmpdir(), 'genki-wallets-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const seed = '5e'.repeat(32);
const other = '7a'.repeat(32);
const message = new TextEncoder().encode('hello');
// the shape of a passphrase that a machine made, which is cheap to derive from
const words = 'c0'.repeat(32);
const passphrase = new Passphrase(words, 'a test');
const passphraseFile = join(root, 'passphrase');
beforeAll(() => writeFileSync(passphraseFile, `${words}\n`, { mode: 0o600 }));

const refusal = (task: Promise<unknown>): Promise<Error> => task.then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);

describe('a wallet', () => {
  it('gives back the key that was saved, to whoever has the passphrase', async () => {
    const dir = join(root, 'saved');
    await saveWallet(dir, 'anna', { key: Key.from(seed), passphrase });
    const loaded = await loadWallet(walletFile(dir, 'anna'), passphraseFile);
    expect(loaded.hotkey).toBe(createSigner(seed).hotkey);
    expect(verifySignature(message, loaded.sign(message), loaded.hotkey)).toBe(true);
    expect(loaded.reveal()).toBe(`0x${seed}`);
  });

  it('is for its owner’s eyes only, and holds its secret in no form', async () => {
    const dir = join(root, 'private');
    await saveWallet(dir, 'anna', { key: Key.from(seed), passphrase });
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(walletFile(dir, 'anna')).mode & 0o777).toBe(0o600);
    const bytes = readFileSync(walletFile(dir, 'anna'));
    const { encoded, meta } = JSON.parse(bytes.toString()) as Keystore;
    for (const part of [bytes, Buffer.from(encoded, 'base64'), Buffer.from(meta!.suri!, 'base64')]) {
      expect(part.includes('5e5e')).toBe(false);
      expect(part.includes(Buffer.from('5e5e5e5e', 'hex'))).toBe(false);
    }
    expect(readdirSync(dir)).toEqual(['anna.json']);
  });

  it('shows its secret neither as text nor as JSON nor to a debugger', async () => {
    const key = Key.from(seed);
    expect(`${JSON.stringify(key)} ${Object.values(key).map(String).join(' ')} ${inspect(key, { depth: 9, showHidden: true })} ${inspect(passphrase, { depth: 9, showHidden: true })}`).not.toMatch(/5e5e|94, 94|c0c0/);
  });

  it.each<[string, (honest: Keystore) => unknown, string]>([
    ['is no JSON', (wallet) => JSON.stringify(wallet).slice(0, -9), 'it is no JSON, or a part of some'],
    ['is empty', () => '', 'it is empty'],
    ['is huge', () => ' '.repeat(2 ** 20), 'Expected at most 65536 bytes'],
    ['has its secret in plain', (wallet) => ({ version: 1, name: 'anna', hotkey: wallet.address, secret: seed }), 'keys import'],
    ['is of another version', (wallet) => ({ ...wallet, encoding: { ...wallet.encoding, version: '4' } }), '→ at encoding.version'],
    ['is not locked', (wallet) => ({ ...wallet, encoding: { ...wallet.encoding, type: ['none'] } }), '→ at encoding.type'],
    ['is of another kind of key', (wallet) => ({ ...wallet, encoding: { ...wallet.encoding, content: ['pkcs8', 'ed25519'] } }), '→ at encoding.content'],
    ['has another one’s address', (wallet) => ({ ...wallet, address: createSigner(other).hotkey }), `Expected the key of ${createSigner(other).hotkey}`],
    ['has no address', (wallet) => ({ ...wallet, address: seed.slice(0, 48) }), 'its address is none'],
    ['is cut short', (wallet) => ({ ...wallet, encoded: wallet.encoded.slice(0, 80) }), 'Expected a locked key, got less'],
    ['has a byte changed', (wallet) => ({ ...wallet, encoded: `${wallet.encoded.slice(0, 150)}${wallet.encoded[150] === 'A' ? 'B' : 'A'}${wallet.encoded.slice(151)}` }), 'another one in'],
    ['asks for all the memory', (wallet) => { const bytes = Buffer.from(wallet.encoded, 'base64'); bytes.writeUInt32LE(2 ** 31, 32); return { ...wallet, encoded: bytes.toString('base64') }; }, 'parameters of scrypt'],
  ])('that %s is refused by its file’s name, without a word of what is in it', async (_, change, reason) => {
    const file = join(root, 'spoiled.json');
    const text = change(await Key.from(seed).lock(passphrase, 'anna'));
    writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text));
    const error = await refusal(loadWallet(file, passphraseFile));
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(file);
    expect(error.message).toContain(reason);
    expect(inspect(error).toLowerCase()).not.toContain('5e5e5e');
  });

  it.each(['', '../up', 'a/b', '.hidden', 'a\u0000b'])('is not saved under the name %j', async (name) => {
    await expect(saveWallet(join(root, 'names'), name, { key: Key.from(seed), passphrase })).rejects.toThrow(InvalidInput);
  });

  it('does not replace one that is there, and no key is there twice', async () => {
    const dir = join(root, 'kept');
    await saveWallet(dir, 'anna', { key: Key.from(seed), passphrase });
    const before = readFileSync(walletFile(dir, 'anna'), 'utf8');
    await expect(saveWallet(dir, 'anna', { key: Key.from(other), passphrase })).rejects.toThrow(`Expected no wallet in ${walletFile(dir, 'anna')}, got one`);
    await expect(saveWallet(dir, 'ben', { key: Key.from(seed), passphrase })).rejects.toThrow(`got that of ${walletFile(dir, 'anna')}`);
    expect(readFileSync(walletFile(dir, 'anna'), 'utf8')).toBe(before);
    expect(readdirSync(dir)).toEqual(['anna.json']);
  });
});

describe('the form of a wallet', () => {
  const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
  const phrase = 'legal winner thank year wave sausage worth useful legal winner thank yellow';

  it('is read by Polkadot’s own keyring', async () => {
    const pair = keyring.addFromJson({ ...(await Key.from(phrase).lock(passphrase, 'anna')), meta: {} });
    pair.unlock(words);
    expect(pair.address).toBe(keyring.createFromUri(phrase).address);
    expect(verifySignature(message, pair.sign(message), pair.address)).toBe(true);
  });

  it('is what Polkadot’s own keyring writes', async () => {
    // createFromUri(`0x${seed}`).toJson('a person’s own words') of @polkadot/keyring 14.0.3
    const json = '{"encoded":"JaUIIX9eGvRYrfigYS0hk0Ztc/Cf2E6d9Qfo5RN5QI4AAAIAAQAAAAgAAADfWN0dpoIKfHKsdwEHMpzzowxtLHufQeM5HH42YRIej8t/pjsoMUPCGuqJ5OMlgUC6xqeO0jwuQbo+e3BrzR2qkUH7qlQk/ZpeK0/KnFdpx0Xo7ZRqwGoBiyggyupKV6Jdm1j2ZAFKiun54BRNd8ipTPPHPJeMNHu+aouF35BUw2Kj0t2lWWlioWc64Fy2qGdawA7dgF5s/BqtSY6B","encoding":{"content":["pkcs8","sr25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"address":"5HY6kuXimmLcHxCVXPq33g5DNRLu1puhAKJUr8YheRZEQRBc","meta":{}}';
    const key = await Key.unlock(parseKeystore(json, 'a test'), new Passphrase('a person’s own words', 'a test'));
    expect(key.hotkey).toBe(createSigner(seed).hotkey);
    expect(verifySignature(message, key.sign(message), key.hotkey)).toBe(true);
    expect(key.reveal()).toBeUndefined();
  });
});

describe('a key', () => {
  it.each([12, 24] as const)('is new each time, with a phrase of %d words that makes it again', (count) => {
    const key = Key.random(count);
    expect(key.reveal()!.split(' ')).toHaveLength(count);
    expect(Key.from(`  ${key.reveal()!.replaceAll(' ', '\n').toUpperCase()} `).hotkey).toBe(key.hotkey);
    expect(Key.random(count).hotkey).not.toBe(key.hotkey);
  });

  it.each(['', 'hush', `${seed}5e`, 'legal winner thank year wave sausage worth useful legal winner thank legal', '//Alice'])('is not made of %j, which is not repeated', (secret) => {
    try {
      Key.from(secret);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidInput);
      expect((error as Error).message).toBe('Expected a mnemonic of 12 to 24 English words that belong together, or a seed of 64 hex digits');
      return;
    }
    expect.unreachable('it was taken');
  });
});

describe('all wallets of a folder', () => {
  it('are in the order of their names, and listed without their passphrase', async () => {
    const dir = join(root, 'many');
    await saveWallet(dir, 'ben', { key: Key.from(other), passphrase });
    await saveWallet(dir, 'anna', { key: Key.from(seed), passphrase });
    writeFileSync(join(dir, 'notes.txt'), 'not a wallet');
    const hotkeys = [seed, other].map((secret) => createSigner(secret).hotkey);
    expect((await loadWallets(dir, passphraseFile)).map(({ hotkey }) => hotkey)).toEqual(hotkeys);
    chmodSync(walletFile(dir, 'ben'), 0o644);
    writeFileSync(walletFile(dir, 'eve'), '{}', { mode: 0o600 });
    expect(await listWallets(dir)).toEqual([
      { name: 'anna', file: walletFile(dir, 'anna'), hotkey: hotkeys[0], problem: undefined },
      { name: 'ben', file: walletFile(dir, 'ben'), hotkey: hotkeys[1], problem: expect.stringContaining('chmod 600') },
      { name: 'eve', file: walletFile(dir, 'eve'), hotkey: undefined, problem: expect.stringContaining('Expected a locked wallet') },
    ]);
  });

  it('are none, and need no passphrase, where there is no folder', async () => {
    expect(await loadWallets(join(root, 'nowhere'), join(root, 'nothing'))).toEqual([]);
  });

  it('are not none where the folder cannot be read', async () => {
    await expect(loadWallets(passphraseFile, passphraseFile)).rejects.toThrow('ENOTDIR');
  });
});

describe('the passphrase', () => {
  const file = join(root, 'own-passphrase');
  const write = (text: string, mode = 0o600): string => {
    rmSync(file, { force: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };

  it('that is another one is named by its file and the variable, not by its words', async () => {
    const dir = join(root, 'locked');
    await saveWallet(dir, 'anna', { key: Key.from(seed), passphrase });
    const { message: text, stack } = await refusal(loadWallet(walletFile(dir, 'anna'), write('d0'.repeat(32))));
    expect(text).toContain(walletFile(dir, 'anna'));
    expect(text).toContain(`${file} (GENKI_PASSPHRASE_FILE)`);
    expect(stack).not.toMatch(/d0d0|c0c0|5e5e/);
  });

  it.each<[string, () => string, RegExp]>([
    ['others can read', () => write('hush', 0o640), /mode 600, got mode 640; fix it with: chmod 600/],
    ['is empty', () => write('\n'), /got nothing/],
    ['has several lines', () => write('hush\nhush'), /got several lines/],
    ['is large', () => write('hush'.repeat(1000)), /at most 1024 bytes.*got 4000/],
    ['is not there', () => join(root, 'nothing'), /there is no such file.*GENKI_PASSPHRASE_FILE/],
    ['is a folder', () => root, /is none/],
  ])('is not read from a file that %s', async (_, make, reason) => {
    const error = await refusal(readPassphrase(make()));
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toMatch(reason);
    expect(error.message).not.toContain('hush');
  });

  it('that no person unlocks is made once, for its owner’s eyes only', async () => {
    const made = join(root, 'made');
    mkdirSync(made);
    const own = join(made, 'passphrase');
    await ensurePassphrase(own);
    const text = readFileSync(own, 'utf8');
    expect(text).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(own).mode & 0o777).toBe(0o600);
    await ensurePassphrase(own);
    expect(readFileSync(own, 'utf8')).toBe(text);
  });
});
