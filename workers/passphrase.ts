import { randomBytes, scrypt, type ScryptOptions } from 'node:crypto';
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { InvalidInput } from '../genki/errors.ts';
import { syncFolder } from '../genki/store/sync-folder.ts';

const derive = promisify<string, Uint8Array, number, ScryptOptions, Uint8Array>(scrypt);

const SALT_BYTES = 32;
const KEY_BYTES = 32;
/** Salt, then N, p and r as u32, little-endian. */
export const SCRYPT_HEADER_BYTES = SALT_BYTES + 12;
/** What `@polkadot/util-crypto` reads, of all its versions; more would let a file take any amount of memory. */
const ALLOWED = [[13, 10], [14, 5], [15, 3], [15, 1], [16, 2], [17, 1]] as const;
const BLOCK_SIZE = 8;
const MAX_BYTES = 1024;

/** What wallets are locked with. Neither text nor JSON of it has its words. */
export class Passphrase {
  readonly #text: string;
  /** Of one passphrase all keys may share a salt: who can try it on one wallet can on all of them, and each is derived once. */
  readonly #salt = randomBytes(SALT_BYTES);
  readonly #keys = new Map<string, Promise<Uint8Array>>();
  /** Where it was read, for messages. */
  readonly from: string;

  constructor(text: string, from: string) {
    this.#text = text;
    this.from = from;
  }

  /** What `derive` makes of the words, for keys of another form than ours; it keeps them to itself. */
  async use<T>(derive: (words: string) => Promise<T>): Promise<T> {
    return await derive(this.#text);
  }

  /** A key to lock something with, and the header from which whoever has the passphrase derives it again. */
  async lockingKey(): Promise<{ header: Uint8Array; key: Uint8Array }> {
    // 32 random bytes cannot be guessed, however cheap a guess is
    const log2N = /^[0-9a-f]{64}$/.test(this.#text) ? 15 : 17;
    const header = Buffer.concat([this.#salt, Buffer.alloc(12)]);
    header.writeUInt32LE(2 ** log2N, SALT_BYTES);
    header.writeUInt32LE(1, SALT_BYTES + 4);
    header.writeUInt32LE(BLOCK_SIZE, SALT_BYTES + 8);
    return { header, key: await this.keyOf(header) };
  }

  /**
   * The key of a header, 32 bytes: scrypt (RFC 7914).
   * @throws {InvalidInput} when it asks for more work than anybody's keystore
   */
  async keyOf(header: Uint8Array): Promise<Uint8Array> {
    const bytes = Buffer.from(header.subarray(0, SCRYPT_HEADER_BYTES));
    if (bytes.length < SCRYPT_HEADER_BYTES) throw new InvalidInput(`Expected the parameters of scrypt in ${SCRYPT_HEADER_BYTES} bytes, got ${bytes.length}`);
    const [N, p, r] = [bytes.readUInt32LE(SALT_BYTES), bytes.readUInt32LE(SALT_BYTES + 4), bytes.readUInt32LE(SALT_BYTES + 8)];
    if (r !== BLOCK_SIZE || !ALLOWED.some(([log2N, lanes]) => N === 2 ** log2N && p === lanes)) throw new InvalidInput(`Expected parameters of scrypt that keystores have, got N ${N}, p ${p}, r ${r}`);
    const id = bytes.toString('hex');
    const known = this.#keys.get(id) ?? derive(this.#text, bytes.subarray(0, SALT_BYTES), KEY_BYTES, { N, p, r, maxmem: 256 * N * r });
    this.#keys.set(id, known);
    return await known;
  }
}

/** Has a file with a passphrase of 32 random bytes, for keys that no person unlocks; one that is there stays. */
export async function ensurePassphrase(file: string): Promise<void> {
  const draft = `${file}.${randomBytes(4).toString('hex')}.draft`;
  try {
    await writeFile(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    // whole or not at all: what a full disk or a kill leaves of it would lock all keys away
    await link(draft, file);
    await syncFolder(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * The passphrase in a file, without the line's end.
 * @param named how the file came to be named, for messages
 * @throws {InvalidInput} when there is no such file, others can read it, or it holds no passphrase; never with what it holds
 */
export async function readPassphrase(file: string, named = 'GENKI_PASSPHRASE_FILE'): Promise<Passphrase> {
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInput(`Expected the passphrase of the wallets in ${file}, ${cause.code === 'ENOENT' ? 'there is no such file' : `got ${cause.code}`}; write it into a file that only you can read, and name that by ${named}`, { cause });
  });
  if (!found.isFile()) throw new InvalidInput(`Expected the passphrase of the wallets in a file (${named}), ${file} is none`);
  const mode = found.mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw new InvalidInput(`Expected ${file} (${named}) for its owner's eyes only, mode 600, got mode ${mode.toString(8)}; fix it with: chmod 600 ${file}`);
  if (found.size > MAX_BYTES) throw new InvalidInput(`Expected a passphrase of at most ${MAX_BYTES} bytes in ${file} (${named}), got ${found.size}`);
  const text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  if (text === '' || /[\r\n]/.test(text)) throw new InvalidInput(`Expected a passphrase on one line of ${file} (${named}), got ${text === '' ? 'nothing' : 'several lines'}`);
  return new Passphrase(text, `${file} (${named})`);
}
