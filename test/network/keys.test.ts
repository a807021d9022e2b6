import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { exportKey, importKey, listKeys, newKey } from '../../client/commands/keys.ts';
import type { Terminal } from '../../client/terminal.ts';
import { createSigner } from '../../genki/chain/keys.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { loadWallet, walletFile } from '../../workers/wallets.ts';
import { KEYFILE, keyfile } from '../workers/support/keyfiles.ts';

const root = mkdtempSync(join(tmpdir(), 'genki-keys-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const seed = '5e'.repeat(32);
const { hotkey } = createSigner(seed);
let home: string;
let env: NodeJS.ProcessEnv;
let count = 0;
/** What was said beside the result: questions, and how what was typed is shown. */
let asked = '';
beforeEach(() => {
  home = join(root, String(count++));
  mkdirSync(home);
  // of the shape that a machine makes, which is cheap to derive from
  writeFileSync(join(home, 'passphrase'), 'c0'.repeat(32), { mode: 0o600 });
  env = { GENKI_HOME: home };
});
const wallet = (name: string): string => walletFile(join(home, 'wallets'), name);

/** What a command says when nobody sits at a terminal, or when somebody does, who answers these questions. */
async function said(command: (terminal: Terminal) => Promise<void>, { input = '', typed }: { input?: string; typed?: Readonly<Record<string, string>> } = {}): Promise<string> {
  const stdin = typed === undefined ? Readable.from(input === '' ? [] : [Buffer.from(input)]) : new PassThrough();
  const isTTY = typed !== undefined;
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const heard = text(stdout);
  const open = new Map(Object.entries(typed ?? {}));
  asked = '';
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      asked += chunk.toString();
      const [question, answer] = [...open].find(([words]) => chunk.includes(words)) ?? [];
      // a prompt listens once it is drawn
      if (question !== undefined && open.delete(question)) setImmediate(() => (stdin as PassThrough).write(`${answer}\r`));
      done();
    },
  });
  // a prompt ends what it is shown on, unless that is the process's own
  stderr.end = () => stderr;
  try {
    await command({ stdin: Object.assign(stdin, { isTTY }), stdout, stderr });
  } finally {
    stdout.end();
  }
  return await heard;
}
const refusal = (task: Promise<unknown>): Promise<Error> => task.then(() => expect.unreachable('it was taken'), (error: unknown) => error as Error);

describe('genki keys new', () => {
  it('says the hotkey and shows no words, unless asked for them as JSON or on a terminal', async () => {
    const quiet = await said((io) => newKey('anna', { words: 12, showMnemonic: false, json: true }, env, io));
    expect(Object.keys(JSON.parse(quiet) as object)).toEqual(['name', 'hotkey', 'file']);
    const { mnemonic, hotkey: own } = JSON.parse(await said((io) => newKey('ben', { words: 24, showMnemonic: true, json: true }, env, io))) as Record<string, string>;
    expect(mnemonic!.split(' ')).toHaveLength(24);
    expect((await loadWallet(wallet('ben'), join(home, 'passphrase'))).hotkey).toBe(own);
    expect(await said((io) => newKey('cleo', { words: 12, showMnemonic: true, json: false }, env, io), { typed: {} })).toMatch(/\n\n([a-z]+ ){11}[a-z]+\n/);
  });

  it('makes no key whose words would go where nobody sees them, nor a second one of a name', async () => {
    expect((await refusal(said((io) => newKey('anna', { words: 12, showMnemonic: true, json: false }, env, io)))).message).toContain('Expected a terminal');
    expect(existsSync(wallet('anna'))).toBe(false);
    await said((io) => newKey('anna', { words: 12, showMnemonic: false, json: false }, env, io));
    const before = readFileSync(wallet('anna'), 'utf8');
    expect((await refusal(said((io) => newKey('anna', { words: 12, showMnemonic: false, json: false }, env, io)))).message).toContain('Expected no wallet');
    expect(readFileSync(wallet('anna'), 'utf8')).toBe(before);
  });

  it('takes no seed for a name, nor repeats it', async () => {
    const { message } = await refusal(said((io) => newKey(seed, { words: 12, showMnemonic: false, json: false }, env, io)));
    expect(message).toContain('what may be a secret');
    expect(message).not.toContain('5e5e');
    expect(existsSync(join(home, 'wallets'))).toBe(false);
  });

  it('needs a passphrase from a file or a terminal, and says how to give it', async () => {
    rmSync(join(home, 'passphrase'));
    const { message } = await refusal(said((io) => newKey('anna', { words: 12, showMnemonic: false, json: false }, env, io)));
    expect(message).toContain('GENKI_PASSPHRASE_FILE');
    expect(existsSync(wallet('anna'))).toBe(false);
  });
});

describe('a passphrase that is typed', () => {
  it.each<[string, string, string, string]>([
    ['is asked for twice', 'correct horse', 'correct house', 'Expected the same passphrase twice, got two'],
    ['has some length', 'horse', 'horse', 'Expected a passphrase of at least 8 characters, got 5'],
  ])('%s, and not shown', async (_, first, second, reason) => {
    rmSync(join(home, 'passphrase'));
    const task = said((io) => newKey('anna', { words: 12, showMnemonic: false, json: false }, env, io), { typed: { 'Passphrase to lock it with': first, 'The same again': second } });
    expect((await refusal(task)).message).toBe(reason);
    expect(asked).toContain('*'.repeat(first.length));
    expect(asked).not.toContain('horse');
    expect(existsSync(wallet('anna'))).toBe(false);
  });
});

describe('genki keys import and export', () => {
  it.each<[string, string]>([['a seed', `0x${seed}`], ['a seed and a line’s end', `${seed}\n`], ['a wallet in plain', JSON.stringify({ version: 1, name: 'anna', hotkey, secret: seed })]])('takes %s from standard input', async (_, input) => {
    expect(await said((io) => importKey('anna', undefined, { json: false }, env, io), { input })).toContain(hotkey);
    expect(readFileSync(wallet('anna'), 'utf8')).not.toContain('5e5e');
    expect((await loadWallet(wallet('anna'), join(home, 'passphrase'))).hotkey).toBe(hotkey);
  });

  it.each(['nacl', 'fernet'])('opens a key file of Bittensor with its password alone: %s', async (name) => {
    const [file, right, wrong] = [join(home, 'coldkey'), join(home, 'right'), join(home, 'wrong')];
    writeFileSync(file, keyfile(name));
    writeFileSync(right, `${KEYFILE.password}\n`, { mode: 0o600 });
    writeFileSync(wrong, 'another one', { mode: 0o600 });
    expect((await refusal(said((io) => importKey('anna', file, { json: false }, env, io)))).message).toContain('name that by --passphrase-file');
    expect((await refusal(said((io) => importKey('anna', file, { passphraseFile: wrong, json: false }, env, io)))).message).toContain(`got another one in ${wrong}`);
    expect(await said((io) => importKey('anna', file, { passphraseFile: right, json: false }, env, io))).toContain(KEYFILE.address);
    expect((await loadWallet(wallet('anna'), join(home, 'passphrase'))).reveal()).toBe(KEYFILE.mnemonic);
  });

  it('takes a hotkey or the coldkey out of a wallet of Bittensor', async () => {
    const folder = join(home, 'wallets-of-bittensor', 'default');
    mkdirSync(join(folder, 'hotkeys'), { recursive: true });
    writeFileSync(join(folder, 'coldkey'), keyfile('ansible'));
    writeFileSync(join(folder, 'hotkeys', 'default'), keyfile('private-key'));
    writeFileSync(join(home, 'right'), KEYFILE.password, { mode: 0o600 });
    expect((await refusal(said((io) => importKey('anna', folder, { hotkey: 'second', json: false }, env, io)))).message).toContain('which has its coldkey, the hotkey default');
    expect(await said((io) => importKey('anna', folder, { json: false }, env, io))).toContain(KEYFILE.address);
    expect(asked).toBe(`${join(folder, 'hotkeys', 'default')} has the secret in plain, as Bittensor's tools read it.\n`);
    rmSync(wallet('anna'));
    expect(await said((io) => importKey('anna', folder, { coldkey: true, passphraseFile: join(home, 'right'), json: false }, env, io))).toContain(KEYFILE.address);
  });

  it('carries a key from one home to another, locked with another passphrase on the way', async () => {
    await said((io) => importKey('anna', undefined, { json: false }, env, io), { input: seed });
    const [between, exported] = [join(home, 'between'), join(home, 'anna.json')];
    writeFileSync(between, 'd0'.repeat(32), { mode: 0o600 });
    const how = { newPassphrase: false, secret: false, force: false };
    await said((io) => exportKey('anna', { ...how, output: exported, passphraseFile: between }, env, io));
    expect(statSync(exported).mode & 0o777).toBe(0o600);
    rmSync(wallet('anna'));
    expect((await refusal(said((io) => importKey('anna', exported, { json: false }, env, io)))).message).toContain('Expected a terminal to ask on: Passphrase of');
    await said((io) => importKey('anna', exported, { passphraseFile: between, json: false }, env, io));
    expect((await refusal(said((io) => exportKey('anna', { ...how, output: exported }, env, io)))).message).toContain('it is there already');
    expect((JSON.parse(await said((io) => exportKey('anna', how, env, io))) as { address: string }).address).toBe(hotkey);
  });

  it('says which passphrase opens what it exports only once it has', async () => {
    await said((io) => importKey('anna', undefined, { json: false }, env, io), { input: seed });
    const how = { newPassphrase: false, secret: false, force: false };
    await said((io) => exportKey('anna', how, env, io));
    expect(asked).toContain(`It opens with the passphrase in ${join(home, 'passphrase')} alone`);
    writeFileSync(join(home, 'passphrase'), 'd0'.repeat(32), { mode: 0o600 });
    const output = join(home, 'anna.json');
    expect((await refusal(said((io) => exportKey('anna', { ...how, output }, env, io)))).message).toContain(wallet('anna'));
    expect(asked).toBe('');
    expect(existsSync(output)).toBe(false);
  });

  it('gives a secret away on a terminal, or to whoever insists', async () => {
    await said((io) => importKey('anna', undefined, { json: false }, env, io), { input: seed });
    const how = { newPassphrase: false, secret: true, force: false };
    expect((await refusal(said((io) => exportKey('anna', how, env, io)))).message).toContain('--force');
    expect(await said((io) => exportKey('anna', how, env, io), { typed: {} })).toBe(`0x${seed}\n`);
    expect(await said((io) => exportKey('anna', { ...how, force: true }, env, io))).toBe(`0x${seed}\n`);
  });

  it('locks a wallet of an earlier version where it lies, and nothing else', async () => {
    mkdirSync(join(home, 'wallets'));
    writeFileSync(wallet('anna'), JSON.stringify({ version: 1, name: 'anna', hotkey, secret: seed }));
    await said((io) => importKey('anna', wallet('anna'), { json: false }, env, io));
    expect(readFileSync(wallet('anna'), 'utf8')).not.toContain('5e5e');
    expect((await loadWallet(wallet('anna'), join(home, 'passphrase'))).hotkey).toBe(hotkey);
    expect((await refusal(said((io) => importKey('anna', wallet('anna'), { json: false }, env, io)))).message).toContain('locked already');
  });

  it.each<[string, string, string | undefined]>([['a seed for a file', 'anna', `0x${seed}`], ['a seed for a name', seed, undefined], ['words for a file', 'anna', 'legal winner thank year wave sausage worth useful legal winner thank yellow']])('does not take %s, nor repeat it', async (_, name, source) => {
    const error = await refusal(said((io) => importKey(name, source, { json: false }, env, io), { input: seed }));
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error.message).toContain('command line');
    expect(error.message).not.toMatch(/5e5e|legal winner/);
    expect(existsSync(join(home, 'wallets'))).toBe(false);
  });
});

describe('genki keys list', () => {
  it('says names and hotkeys without a passphrase', async () => {
    await said((io) => importKey('anna', undefined, { json: false }, env, io), { input: seed });
    rmSync(join(home, 'passphrase'));
    expect(JSON.parse(await said((io) => listKeys({ json: true }, env, io)))).toEqual({ keys: [{ name: 'anna', hotkey, role: null, problem: null }] });
    expect(await said((io) => listKeys({ json: false }, { GENKI_HOME: join(home, 'elsewhere') }, io))).toContain('keys new NAME');
  });
});
