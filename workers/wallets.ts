import { existsSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../activities/parse-json.ts';
import type { Signer } from '../genki/chain/chain.ts';
import { createSigner } from '../genki/chain/keys.ts';
import { InvalidInput } from '../genki/errors.ts';
import { isKeySegment } from '../genki/store/object-name.ts';

/** A hotkey's file. It is read by the process that signs and by nothing else. */
const Wallet = z.strictObject({ version: z.literal(1), name: z.string(), hotkey: z.string(), secret: z.string().regex(/^[0-9a-f]{64}$/) });

/** The signers of all wallets in a folder, by file name; none where there is no folder. */
export async function loadWallets(dir: string): Promise<Signer[]> {
  const files = existsSync(dir) ? (await readdir(dir)).filter((name) => name.endsWith('.json')).sort() : [];
  return await Promise.all(files.map((name) => loadWallet(join(dir, name))));
}

/** @throws {InvalidInput} naming the file, never what is in it */
export async function loadWallet(file: string): Promise<Signer> {
  const parsed = Wallet.safeParse(parseJson(await readFile(file, 'utf8')));
  if (!parsed.success) throw new InvalidInput(`Expected a wallet in ${file} {version, name, hotkey, secret}`);
  const signer = createSigner(parsed.data.secret);
  if (signer.hotkey !== parsed.data.hotkey) throw new InvalidInput(`Expected the key of ${parsed.data.hotkey} in ${file}, got that of ${signer.hotkey}`);
  return signer;
}

/**
 * Writes a wallet that only its owner can read, whole or not at all.
 * @throws {InvalidInput} when there is one of that name: a secret that is written over is lost
 */
export async function saveWallet(dir: string, { name, secret }: { name: string; secret: string }): Promise<Signer> {
  if (!isKeySegment(name)) throw new InvalidInput(`Expected a wallet's name of A-Z a-z 0-9 . _ - without a leading dot, got ${JSON.stringify(name)}`);
  const signer = createSigner(secret);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const wallet: z.infer<typeof Wallet> = { version: 1, name, hotkey: signer.hotkey, secret };
  const file = join(dir, `${name}.json`);
  const draft = `${file}.draft`;
  try {
    await writeFile(draft, `${JSON.stringify(wallet)}\n`, { mode: 0o600 });
    await link(draft, file);
  } catch (error) {
    if (!existsSync(file)) throw error;
    throw new InvalidInput(`Expected no wallet in ${file}, got one`, { cause: error });
  } finally {
    await rm(draft, { force: true });
  }
  return signer;
}
