import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseJson } from '../../activities/parse-json.ts';
import { participantsFile, readParticipants } from '../../activities/participants.ts';
import { verifySignature } from '../../genki/chain/keys.ts';
import { InvalidInput } from '../../genki/errors.ts';
import { looksSecret } from '../../genki/chain/looks-secret.ts';
import { isKeySegment } from '../../genki/store/object-name.ts';
import { isFolder, keyfileOf } from '../../workers/bittensor-wallet.ts';
import { isBoxed, isPlainKeyfile, keyOf, openKeyfile } from '../../workers/keyfile.ts';
import { Key } from '../../workers/keystore.ts';
import { readPassphrase, type Passphrase } from '../../workers/passphrase.ts';
import { homeOf, passphraseFileOf, walletsDirOf } from '../../workers/settings.ts';
import { checkFree, listWallets, MAX_WALLET_BYTES, parseKeystore, PlainWallet, readBounded, readKeystore, replaceWallet, saveWallet, unlockWallet, walletFile } from '../../workers/wallets.ts';
import { table } from '../first-light/screen.ts';
import { askNewPassphrase, askPassphrase, askSecret, type Terminal } from '../terminal.ts';

/** Where a command keeps keys, and whom it asks. */
type Place = { readonly home: string; readonly dir: string; /** undefined: ask */ readonly passphraseFile: string | undefined; readonly terminal: Terminal };

const placeOf = (env: NodeJS.ProcessEnv, terminal: Terminal): Place => {
  const home = homeOf(env);
  const file = passphraseFileOf(env, home);
  return { home, dir: walletsDirOf(home), passphraseFile: env.GENKI_PASSPHRASE_FILE !== undefined || existsSync(file) ? file : undefined, terminal };
};

type NewOptions = { readonly words: 12 | 24; readonly showMnemonic: boolean; readonly json: boolean };

/** `genki keys new`: its phrase is shown to whoever asks for it, on a terminal or as JSON. */
export async function newKey(name: string, { words, showMnemonic, json }: NewOptions, env: NodeJS.ProcessEnv, terminal: Terminal = process): Promise<void> {
  if (looksSecret(name)) throw secretOnCommandLine('Expected a name', 'import one with: npm run genki -- keys import NAME');
  const place = placeOf(env, terminal);
  if (showMnemonic && !json && terminal.stdout.isTTY !== true) throw new InvalidInput('Expected a terminal to show the mnemonic on; with --json it goes wherever the output goes');
  await checkFree(place.dir, name);
  const passphrase = await lockingPassphrase(place);
  const key = Key.random(words);
  await saveWallet(place.dir, name, { key, passphrase });
  const mnemonic = showMnemonic ? key.reveal() : undefined;
  if (json) return print(terminal, { name, hotkey: key.hotkey, file: walletFile(place.dir, name), ...(mnemonic !== undefined && { mnemonic }) });
  terminal.stdout.write(`${name}  ${key.hotkey}\nlocked in ${walletFile(place.dir, name)}${lockedWith(place)}\n`);
  if (mnemonic !== undefined) terminal.stdout.write(`\n${mnemonic}\n\nWhoever has these words has the key.\n`);
}

/** `genki keys list`: nothing is unlocked for it. */
export async function listKeys({ json }: { json: boolean }, env: NodeJS.ProcessEnv, terminal: Terminal = process): Promise<void> {
  const { home, dir } = placeOf(env, terminal);
  const participants = existsSync(participantsFile(home)) ? await readParticipants(home) : [];
  const keys = (await listWallets(dir)).map(({ name, hotkey, problem }) => ({ name, hotkey: hotkey ?? null, role: participants.find((p) => p.hotkey === hotkey)?.role ?? null, problem: problem ?? null }));
  if (json) return print(terminal, { keys });
  const rows = keys.map(({ name, hotkey, role, problem }) => [name, hotkey ?? '–', role ?? '–', (problem ?? '').replace(/\s+/g, ' ')]);
  terminal.stdout.write(keys.length === 0 ? `No keys in ${dir}; make one with: npm run genki -- keys new NAME\n` : `${table(['name', 'hotkey', 'role', 'problem'], rows).join('\n')}\n`);
}

type ExportOptions = { readonly output?: string; readonly newPassphrase: boolean; readonly passphraseFile?: string; readonly secret: boolean; readonly force: boolean };

/** `genki keys export`: locked as it is, locked anew, or, for whoever insists, in plain. */
export async function exportKey(name: string, options: ExportOptions, env: NodeJS.ProcessEnv, terminal: Terminal = process): Promise<void> {
  const place = placeOf(env, terminal);
  const file = await knownWallet(name, place);
  if (options.secret) return await exportSecret(file, options, place);
  const isAnew = options.newPassphrase || options.passphraseFile !== undefined;
  const isNamed = !isAnew && place.passphraseFile !== undefined;
  // what is said of the passphrase has been tried
  const key = isAnew || isNamed ? await unlocked(file, place) : undefined;
  const keystore = isAnew ? await key!.lock(await otherPassphrase(options, terminal), name) : await readKeystore(file);
  await deliver(`${JSON.stringify(keystore)}\n`, options.output, terminal);
  if (isNamed) terminal.stderr.write(`It opens with the passphrase in ${place.passphraseFile} alone; --new-passphrase asks for another one.\n`);
}

async function exportSecret(file: string, { output, force }: ExportOptions, place: Place): Promise<void> {
  const { terminal } = place;
  if (!force && (output !== undefined || terminal.stdout.isTTY !== true)) throw new InvalidInput('Expected a terminal to show a secret on; --force writes it elsewhere');
  const secret = (await unlocked(file, place)).reveal();
  if (secret === undefined) throw new InvalidInput(`Expected a key whose mnemonic or seed is known; that of ${file} came locked from elsewhere, without: export it locked`);
  terminal.stderr.write('Whoever has this has the key. It is in plain.\n');
  await deliver(`${secret}\n`, output, terminal);
}

type ImportOptions = { /** of a wallet's folder */ readonly hotkey?: string; readonly coldkey?: boolean; readonly passphraseFile?: string; readonly json: boolean };

/**
 * `genki keys import`: a keystore, a key file or wallet of Bittensor, a mnemonic or a seed, from a file, from standard
 * input, or typed; never from the command line.
 */
export async function importKey(name: string, source: string | undefined, { hotkey = 'default', coldkey = false, passphraseFile, json }: ImportOptions, env: NodeJS.ProcessEnv, terminal: Terminal = process): Promise<void> {
  if ([name, source ?? '', hotkey].some(looksSecret)) throw secretOnCommandLine('Expected a name and a file', 'give one by a file, by standard input, or typed');
  const place = placeOf(env, terminal);
  const target = walletFile(place.dir, name);
  const isReplaced = source !== undefined && resolve(source) === target;
  if (!isReplaced) await checkFree(place.dir, name);
  const from = source !== undefined && (await isFolder(source)) ? await keyfileOf(source, coldkey ? { kind: 'coldkey' } : { kind: 'hotkey', name: hotkey }) : source;
  const bytes = await foreignBytes(from, terminal);
  const plain = PlainWallet.safeParse(parseJson(bytes.toString()));
  if (isReplaced && !plain.success) throw new InvalidInput(`Expected a wallet of an earlier version in ${target}, got one that is locked already`);
  const key = plain.success ? Key.from(plain.data.secret) : await foreignKey(bytes, { source: from ?? 'the input', passphraseFile, place });
  const passphrase = await lockingPassphrase(place);
  if (isReplaced) await replaceWallet(target, { key, passphrase });
  else await saveWallet(place.dir, name, { key, passphrase });
  if (plain.success && source !== undefined && !isReplaced) terminal.stderr.write(`${source} still has the secret in plain; delete it.\n`);
  if (from !== undefined && isPlainKeyfile(bytes.toString())) terminal.stderr.write(`${from} has the secret in plain, as Bittensor's tools read it.\n`);
  if (json) return print(terminal, { name, hotkey: key.hotkey, file: target });
  terminal.stdout.write(`${name}  ${key.hotkey}\nlocked in ${target}${lockedWith(place)}\n`);
}

type Foreign = { readonly source: string; readonly passphraseFile: string | undefined; readonly place: Place };

/** @throws {InvalidInput} when it is no key, or one whose halves do not belong together */
async function foreignKey(bytes: Buffer, foreign: Foreign): Promise<Key> {
  const text = bytes.toString();
  if (isBoxed(bytes)) return await openKeyfile(bytes, await boxPassphrase(foreign));
  if (isPlainKeyfile(text)) return keyOf(text);
  if (!text.trimStart().startsWith('{')) return Key.from(text);
  const keystore = parseKeystore(text, foreign.source);
  const key = await unlockedForeign((passphrase) => Key.unlock(keystore, passphrase), foreign);
  const probe = new TextEncoder().encode('genki');
  if (!verifySignature(probe, key.sign(probe), key.hotkey)) throw new InvalidInput(`Expected a key that signs for ${key.hotkey} in ${foreign.source}, it does not`);
  return key;
}

/** Each try takes seconds, so that this home's passphrase is not tried. */
const boxPassphrase = async ({ source, passphraseFile, place }: Foreign): Promise<Passphrase> =>
  passphraseFile !== undefined ? await readPassphrase(passphraseFile, '--passphrase-file') : await askPassphrase(`Passphrase of ${source}`, place.terminal, 'put the passphrase into a file that only you can read (chmod 600), and name that by --passphrase-file');

/** By the passphrase of a file that was named, else by that of this home, else by one that is asked for. */
async function unlockedForeign(unlock: (passphrase: Passphrase) => Promise<Key>, { source, passphraseFile, place }: Foreign): Promise<Key> {
  if (passphraseFile !== undefined) return await unlock(await readPassphrase(passphraseFile, '--passphrase-file'));
  return (await unlockedByOwn(unlock, place)) ?? (await unlock(await askPassphrase(`Passphrase of ${source}`, place.terminal)));
}

/** What is locked with the passphrase of this home opens without a question. */
async function unlockedByOwn(unlock: (passphrase: Passphrase) => Promise<Key>, { passphraseFile }: Place): Promise<Key | undefined> {
  if (passphraseFile === undefined) return undefined;
  return await unlock(await readPassphrase(passphraseFile)).catch(() => undefined);
}

async function foreignBytes(source: string | undefined, terminal: Terminal): Promise<Buffer> {
  if (source !== undefined && source !== '-') return await readBounded(source);
  if (source === undefined && terminal.stdin.isTTY === true) return Buffer.from(await askSecret('Mnemonic or seed', { terminal, instead: '' }));
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of terminal.stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunks.at(-1)!.length;
    if (bytes > MAX_WALLET_BYTES) throw new InvalidInput(`Expected at most ${MAX_WALLET_BYTES} bytes of a key, got more`);
  }
  return Buffer.concat(chunks);
}

/** All wallets of a home open with one passphrase, so that a worker can hold them. */
const lockingPassphrase = async ({ passphraseFile, terminal }: Place): Promise<Passphrase> =>
  passphraseFile !== undefined ? await readPassphrase(passphraseFile) : await askNewPassphrase('Passphrase to lock it with', terminal);

const otherPassphrase = async ({ passphraseFile }: ExportOptions, terminal: Terminal): Promise<Passphrase> =>
  passphraseFile !== undefined ? await readPassphrase(passphraseFile, '--passphrase-file') : await askNewPassphrase('Passphrase to lock what is exported with', terminal);

const unlocked = async (file: string, { passphraseFile, terminal }: Place): Promise<Key> =>
  await unlockWallet(file, passphraseFile !== undefined ? await readPassphrase(passphraseFile) : await askPassphrase(`Passphrase of ${file}`, terminal));

const lockedWith = ({ passphraseFile }: Place): string =>
  passphraseFile !== undefined ? `, with the passphrase in ${passphraseFile}` : '; a worker needs the passphrase in a file that only you can read, named by GENKI_PASSPHRASE_FILE';

/** One of this machine's keys, unlocked to sign with. @throws {InvalidInput} when there is none of that name */
export async function unlockKey(name: string, env: NodeJS.ProcessEnv, terminal: Terminal): Promise<Key> {
  const place = placeOf(env, terminal);
  return await unlocked(await knownWallet(name, place), place);
}

async function knownWallet(name: string, { dir }: Place): Promise<string> {
  const file = walletFile(dir, name);
  if (isKeySegment(name) && existsSync(file)) return file;
  throw new InvalidInput(`Expected one of the keys ${(await listWallets(dir)).map((wallet) => wallet.name).join(', ') || '(there is none)'}, got ${shown(name)}`);
}

/** @throws {InvalidInput} when the file is there already */
async function deliver(text: string, output: string | undefined, terminal: Terminal): Promise<void> {
  if (output === undefined) terminal.stdout.write(text);
  else await writeFile(output, text, { mode: 0o600, flag: 'wx', flush: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInput(`Expected to write ${output}, ${cause.code === 'EEXIST' ? 'it is there already' : `got ${cause.code}`}`, { cause });
  });
}

function print({ stdout }: Terminal, value: unknown): void {
  stdout.write(`${JSON.stringify(value)}\n`);
}

const secretOnCommandLine = (expected: string, instead: string): InvalidInput =>
  new InvalidInput(`${expected}, got what may be a secret: what is on a command line is kept by the shell and seen by everybody on the machine. Consider it known to others; ${instead}`);

const shown = (name: string): string => (looksSecret(name) ? 'what may be a secret' : JSON.stringify(name.slice(0, 80)));
