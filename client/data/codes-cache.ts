import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { draftName, sweepDrafts } from '../../genki/store/drafts.ts';
import { readFileWithin } from './read-file.ts';

const INCOMING = '.incoming';
const MAX_ENTRY_BYTES = 2 ** 28;
const MAX_BYTES = 2 ** 31;

/**
 * What was computed once, by a digest of what it was computed from, in a folder for all processes of a machine. An entry
 * appears whole or not at all. What the disk refuses (full, read-only, gone) is as if there were no cache.
 */
export class CodesCache {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param maxBytes of all entries: when there are more, those not used for the longest time go */
  static async open(folder: string, maxBytes = MAX_BYTES): Promise<CodesCache> {
    await aside(async () => {
      await mkdir(join(folder, INCOMING), { recursive: true });
      sweepDrafts(join(folder, INCOMING));
      await makeRoom(folder, maxBytes);
    });
    return new CodesCache(folder);
  }

  /** @param key 64 hex digits */
  async find(key: string): Promise<Uint8Array | undefined> {
    const path = join(this.#folder, key);
    const bytes = await aside(() => readFileWithin(path, MAX_ENTRY_BYTES));
    const now = new Date();
    if (bytes !== undefined) await aside(() => utimes(path, now, now));
    return bytes;
  }

  async keep(key: string, bytes: Uint8Array): Promise<void> {
    const draft = join(this.#folder, INCOMING, draftName());
    await aside(async () => {
      const file = await open(draft, 'wx', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, join(this.#folder, key));
    });
    await aside(() => rm(draft, { force: true }));
  }
}

async function makeRoom(folder: string, maxBytes: number): Promise<void> {
  const paths = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => join(folder, name));
  const entries = await Promise.all(paths.map(async (path) => ({ path, ...(await stat(path).then(({ size, mtimeMs }) => ({ size, mtimeMs }))) })));
  let total = entries.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of entries.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (total <= maxBytes) return;
    await rm(path, { force: true });
    total -= size;
  }
}

const aside = <T>(work: () => Promise<T>): Promise<T | undefined> => work().catch(() => undefined);
