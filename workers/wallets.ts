import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../activities/parse-json.ts';
import { InvalidInput } from '../genki/errors.ts';
import { isKeySegment } from '../genki/store/object-name.ts';
import { syncFolder } from '../genki/store/sync-folder.ts';
import { addressOf, Key, Keystore } from './keystore.ts';
import { readPassphrase, type Passphrase } from './passphrase.ts';

/** A wallet of an earlier version, its secret in plain. */
export const PlainWallet = z.looseObject({ version: z.literal(1), secret: z.string() });

/** A wallet as anybody who sees the folder can see it. */
export type WalletEntry = { readonly name: string; readonly file: string; readonly hotkey: string | undefined; readonly problem: string | undefined };

/** A keystore is about 700 bytes. */
export const MAX_WALLET_BYTES = 64 * 1024;

export const walletFile = (dir: string, name: string): string => join(dir, `${name}.json`);

/** The keys of all wallets in a folder, by file name; where there is no wallet none, and no passphrase is needed. */
export async function loadWallets(dir: string, passphraseFile: string): Promise<Key[]> {
  const files = await walletFiles(dir);
  if (files.length === 0) return [];
  const passphrase = await readPassphrase(passphraseFile);
  return await Promise.all(files.map((file) => unlockWallet(file, passphrase)));
}

/** @throws {InvalidInput} naming the file and what is wrong with it, never what is in it */
export const loadWallet = async (file: string, passphraseFile: string): Promise<Key> => await unlockWallet(file, await readPassphrase(passphraseFile));

/** @throws {InvalidInput} naming the file and what is wrong with it, never what is in it */
export async function unlockWallet(file: string, passphrase: Passphrase): Promise<Key> {
  const keystore = await readKeystore(file);
  return await Key.unlock(keystore, passphrase).catch((cause: unknown) => {
    throw cause instanceof InvalidInput ? new InvalidInput(`${file}: ${cause.message}`, { cause }) : cause;
  });
}

/** @throws {InvalidInput} naming the file and what is wrong with it, never what is in it */
export const readKeystore = async (file: string): Promise<Keystore> => parseKeystore((await readBounded(file)).toString(), file);

/** @throws {InvalidInput} saying where it was and what is wrong with it, never what is in it */
export function parseKeystore(text: string, where: string): Keystore {
  const refused = (reason: string): InvalidInput => new InvalidInput(`Expected a locked wallet in ${where}: ${reason}`);
  const json = parseJson(text);
  if (json === undefined) throw refused(text.trim() === '' ? 'it is empty' : 'it is no JSON, or a part of some');
  if (PlainWallet.safeParse(json).success) throw refused(`its secret is in plain, as an earlier version wrote it; lock it with: npm run genki -- keys import NAME FILE`);
  const parsed = Keystore.safeParse(json);
  if (!parsed.success) throw refused(`\n${z.prettifyError(parsed.error)}`);
  if (addressOf(parsed.data) === undefined) throw refused('its address is none');
  return parsed.data;
}

/** The wallets of a folder, without opening any. */
export async function listWallets(dir: string): Promise<WalletEntry[]> {
  const files = await walletFiles(dir);
  return await Promise.all(files.map(async (file) => {
    const entry = { name: basename(file, '.json'), file };
    try {
      const hotkey = addressOf(await readKeystore(file));
      const mode = (await stat(file)).mode & 0o777;
      const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0;
      return { ...entry, hotkey, problem: isOpen ? `others can read it: chmod 600 ${file}` : undefined };
    } catch (error) {
      return { ...entry, hotkey: undefined, problem: error instanceof Error ? error.message : String(error) };
    }
  }));
}

/**
 * Writes a wallet that only its owner can read, whole or not at all.
 * @throws {InvalidInput} when there is one of that name or hotkey: a key that is written over is lost
 */
export async function saveWallet(dir: string, name: string, { key, passphrase }: { key: Key; passphrase: Passphrase }): Promise<void> {
  await checkFree(dir, name, key.hotkey);
  await writeWallet(walletFile(dir, name), await key.lock(passphrase, name), link);
}

/** Locks a wallet of an earlier version where it lies. */
export async function replaceWallet(file: string, { key, passphrase }: { key: Key; passphrase: Passphrase }): Promise<void> {
  await writeWallet(file, await key.lock(passphrase, basename(file, '.json')), rename);
}

/** @throws {InvalidInput} */
export async function checkFree(dir: string, name: string, hotkey?: string): Promise<void> {
  if (!isKeySegment(name)) throw new InvalidInput(`Expected a wallet's name of A-Z a-z 0-9 . _ - without a leading dot`);
  const file = walletFile(dir, name);
  if (existsSync(file)) throw taken(file);
  const same = hotkey === undefined ? undefined : (await listWallets(dir)).find((other) => other.hotkey === hotkey);
  if (same) throw new InvalidInput(`Expected a key that is not there yet, got that of ${same.file} (${hotkey})`);
}

const taken = (file: string, cause?: unknown): InvalidInput => new InvalidInput(`Expected no wallet in ${file}, got one`, { cause });

async function walletFiles(dir: string): Promise<string[]> {
  return existsSync(dir) ? (await readdir(dir)).filter((name) => name.endsWith('.json')).sort().map((name) => join(dir, name)) : [];
}

async function writeWallet(file: string, keystore: Keystore, place: (draft: string, file: string) => Promise<void>): Promise<void> {
  const dir = dirname(file);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(4).toString('hex')}.draft`;
  try {
    await writeFile(draft, `${JSON.stringify(keystore)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await place(draft, file);
    await syncFolder(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(file, error);
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** @throws {InvalidInput} when there is no such file, it is none, or is larger than any wallet */
export async function readBounded(file: string): Promise<Buffer> {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInput(`Expected to read ${file}, ${cause.code === 'ENOENT' ? 'there is no such file' : `got ${cause.code}`}`, { cause });
  });
  if (!found.isFile()) throw new InvalidInput(`Expected a file, ${file} is none`);
  if (found.size > MAX_WALLET_BYTES) throw new InvalidInput(`Expected at most ${MAX_WALLET_BYTES} bytes in ${file}, got ${found.size}`);
  return await readFile(file);
}
