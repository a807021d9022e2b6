import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { createSigner, verifySignature } from '../../genki/chain/keys.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { keyfileOf } from '../../workers/bittensor-wallet.ts';
import { isBoxed, isPlainKeyfile, keyOf, openKeyfile } from '../../workers/keyfile.ts';
import { Passphrase } from '../../workers/passphrase.ts';
import { keyfile, KEYFILE } from './support/keyfiles.ts';

const right = new Passphrase(KEYFILE.password, 'a test');
const wrong = new Passphrase('another one', 'a test');
const message = new TextEncoder().encode('hello');
const text = (name: string): string => keyfile(name).toString();
const refusal = (task: Promise<unknown>): Promise<Error> => task.then(() => expect.unreachable('it was taken'), (thrown: unknown) => thrown as Error);

describe('a key file of Bittensor', () => {
  it.each(['plain', 'private-key'])('is read: %s', (name) => {
    expect(isPlainKeyfile(text(name))).toBe(true);
    const key = keyOf(text(name));
    expect(key.hotkey).toBe(KEYFILE.address);
    expect(verifySignature(message, key.sign(message), KEYFILE.address)).toBe(true);
    expect(key.reveal()).toBe(name === 'plain' ? KEYFILE.mnemonic : undefined);
  });

  it('goes from a private key alone into a keystore of ours and back', async () => {
    const { Key } = await import('../../workers/keystore.ts');
    const mine = new Passphrase('c0'.repeat(32), 'a test');
    const back = await Key.unlock(await keyOf(text('private-key')).lock(mine, 'anna'), mine);
    expect(verifySignature(message, back.sign(message), KEYFILE.address)).toBe(true);
  });

  // the other two boxes take seconds each: test/network/keys.test.ts
  it('in a vault of Ansible opens with its password alone', async () => {
    expect(isBoxed(keyfile('ansible'))).toBe(true);
    expect((await openKeyfile(keyfile('ansible'), right)).hotkey).toBe(KEYFILE.address);
    expect(await refusal(openKeyfile(keyfile('ansible'), wrong))).toMatchObject({ name: 'InvalidInput', message: expect.stringContaining('got another one in a test') });
  });

  it.each<[string, Buffer]>([
    ['cut', keyfile('ansible').subarray(0, 900)],
    ['with a digit changed', Buffer.from(text('ansible').trimEnd().replace(/.$/, (digit) => (digit === '0' ? '1' : '0')))],
    ['without lines', Buffer.from('$ANSIBLE_VAULT;1.1;AES256')],
    ['of another version', Buffer.from(text('ansible').replace('1.1', '9.9'))],
    ['cut to its prefix', Buffer.from('$NACL')],
    ['cut to nothing', Buffer.from('gAAAAA')],
    ['that is none', Buffer.from('PK')],
  ])('in a box %s is refused', async (_, bytes) => {
    expect(await refusal(openKeyfile(bytes, right))).toBeInstanceOf(InvalidInput);
  });

  it.each<[string, (honest: Record<string, unknown>) => unknown, string]>([
    ['of another address', (honest) => ({ ...honest, ss58Address: createSigner('//other').hotkey }), 'Expected the key of'],
    ['of another private key', (honest) => ({ ss58Address: honest['ss58Address'], privateKey: `0x${'07'.repeat(64)}` }), 'Expected the key of'],
    ['of ed25519', (honest) => ({ ...honest, cryptoType: 0 }), 'expected a key of sr25519'],
    ['with half a seed', (honest) => ({ ...honest, secretSeed: '0x12' }), 'expected 32 bytes in hex'],
    ['with an address alone', (honest) => ({ ss58Address: honest['ss58Address'], secretSeed: null }), 'got the address 5EHgWw2A'],
  ])('%s is refused, and not repeated', (_, change, reason) => {
    const json = JSON.stringify(change(JSON.parse(text('plain')) as Record<string, unknown>));
    const error = (() => {
      try {
        return keyOf(json);
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect(error).toBeInstanceOf(InvalidInput);
    expect((error as Error).message).toContain(reason);
    expect(inspect(error, { depth: 9 })).not.toMatch(/legal winner|6fa2796b|ad8a4447|0707/);
  });
});

describe('a wallet of Bittensor', () => {
  const root = mkdtempSync(join(tmpdir(), 'genki-bittensor-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'hotkeys'));
  for (const [file, name] of [['coldkey', 'ansible'], ['coldkeypub.txt', 'coldkeypub.txt'], ['hotkeys/default', 'plain'], ['hotkeys/defaultpub.txt', 'coldkeypub.txt'], ['hotkeys/second', 'private-key']] as const) {
    writeFileSync(join(root, file), keyfile(name));
  }

  it('has its keys where Bittensor puts them', async () => {
    expect(readFileSync(await keyfileOf(root, { kind: 'coldkey' }))).toEqual(keyfile('ansible'));
    expect(readFileSync(await keyfileOf(root, { kind: 'hotkey', name: 'default' }))).toEqual(keyfile('plain'));
  });

  it('names those it has when asked for another', async () => {
    for (const name of ['third', '../coldkey', 'defaultpub.txt']) {
      expect((await refusal(keyfileOf(root, { kind: 'hotkey', name }))).message).toContain('which has its coldkey, the hotkey default, the hotkey second; got another hotkey');
    }
    expect((await refusal(keyfileOf(join(root, 'hotkeys'), { kind: 'coldkey' }))).message).toContain('which has none');
  });
});
