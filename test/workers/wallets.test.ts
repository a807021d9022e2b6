import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../genki/chain/keys.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { loadWallet, loadWallets, saveWallet } from '../../workers/wallets.ts';

const root = mkdtempSync(join(tmpdir(), 'genki-wallets-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const secret = '5e'.repeat(32);
const other = '7a'.repeat(32);
const message = new TextEncoder().encode('hello');

describe('a wallet', () => {
  it('gives back the signer that was saved', async () => {
    const saved = await saveWallet(join(root, 'saved'), { name: 'anna', secret });
    const loaded = await loadWallet(join(root, 'saved', 'anna.json'));
    expect(loaded.hotkey).toBe(saved.hotkey);
    expect(verifySignature(message, loaded.sign(message), createSigner(secret).hotkey)).toBe(true);
  });

  it('is for its owner’s eyes only', async () => {
    const dir = join(root, 'private');
    await saveWallet(dir, { name: 'anna', secret });
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, 'anna.json')).mode & 0o777).toBe(0o600);
  });

  it('shows its secret neither as text nor as JSON', async () => {
    const signer = await saveWallet(join(root, 'shown'), { name: 'anna', secret });
    expect(`${JSON.stringify(signer)} ${Object.values(signer).map(String).join(' ')}`).not.toContain('5e5e');
  });

  it.each<[string, (honest: Record<string, unknown>) => unknown, string]>([
    ['is no JSON', () => `{"secret":"${secret}"`, 'Expected a wallet in'],
    ['has a short secret', (wallet) => ({ ...wallet, secret: secret.slice(2) }), 'Expected a wallet in'],
    ['has a secret in capitals', (wallet) => ({ ...wallet, secret: secret.toUpperCase() }), 'Expected a wallet in'],
    ['has a key more', (wallet) => ({ ...wallet, [secret]: secret }), 'Expected a wallet in'],
    ['is of another version', (wallet) => ({ ...wallet, version: 2 }), 'Expected a wallet in'],
    ['has another one’s hotkey', (wallet) => ({ ...wallet, hotkey: createSigner(other).hotkey }), `Expected the key of ${createSigner(other).hotkey}`],
  ])('that %s is refused by its file’s name, without a word of what is in it', async (_, change, reason) => {
    const file = join(root, 'spoiled.json');
    const text = change({ version: 1, name: 'anna', hotkey: createSigner(secret).hotkey, secret });
    writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text));
    const error = await loadWallet(file).then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain(file);
    expect(error.message).toContain(reason);
    expect(error.stack!.toLowerCase()).not.toContain('5e5e');
  });

  it.each(['', '../up', 'a/b', '.hidden', 'a\u0000b'])('is not saved under the name %j', async (name) => {
    await expect(saveWallet(join(root, 'names'), { name, secret })).rejects.toThrow(InvalidInput);
  });

  it('of another secret does not replace one that is there', async () => {
    const dir = join(root, 'kept');
    await saveWallet(dir, { name: 'anna', secret });
    const before = readFileSync(join(dir, 'anna.json'), 'utf8');
    await expect(saveWallet(dir, { name: 'anna', secret: other })).rejects.toThrow(`Expected no wallet in ${join(dir, 'anna.json')}, got one`);
    expect(readFileSync(join(dir, 'anna.json'), 'utf8')).toBe(before);
  });
});

describe('all wallets of a folder', () => {
  it('are in the order of their names', async () => {
    const dir = join(root, 'many');
    await saveWallet(dir, { name: 'ben', secret: other });
    await saveWallet(dir, { name: 'anna', secret });
    writeFileSync(join(dir, 'notes.txt'), 'not a wallet');
    expect((await loadWallets(dir)).map(({ hotkey }) => hotkey)).toEqual([secret, other].map((seed) => createSigner(seed).hotkey));
  });

  it('are none where there is no folder', async () => {
    expect(await loadWallets(join(root, 'nowhere'))).toEqual([]);
  });

  it('are not none where the folder cannot be read', async () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    await expect(loadWallets(file)).rejects.toThrow('ENOTDIR');
  });
});
