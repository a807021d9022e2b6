import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { PATIENCE_MS } from './answer.ts';

export type DiskUse = {
  /** What lies in the home, largest first. */
  readonly entries: readonly { readonly name: string; readonly bytes: number }[];
  /** Whether all of it was counted in time. */
  readonly isWhole: boolean;
  readonly freeBytes: number;
  readonly totalBytes: number;
};

/** Where it becomes a matter of hours: a share, and for large disks an amount. */
const LOW_SHARE = 0.05;
const LOW_BYTES = 2 ** 30;

/** What a home takes of its disk, as far as it can be counted in 2 s. */
export async function diskUse(home: string): Promise<DiskUse> {
  const { bavail, blocks, bsize } = await statfs(home);
  const until = Date.now() + PATIENCE_MS / 2;
  const sums = new Map<string, number>();
  for (const name of await readdir(home)) {
    // a database with its journals is one thing
    const what = name.replace(/^(.+\.db)(-\w+)$/, '$1');
    sums.set(what, (sums.get(what) ?? 0) + (await bytesOf(join(home, name), until)));
  }
  const entries = [...sums].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
  return { entries, isWhole: Date.now() < until, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

export const isNearlyFull = ({ freeBytes, totalBytes }: DiskUse): boolean => freeBytes < Math.max(LOW_BYTES, LOW_SHARE * totalBytes) && freeBytes < 16 * LOW_BYTES;

/** Files come and go while they are counted. */
async function bytesOf(path: string, until: number): Promise<number> {
  if (Date.now() > until) return 0;
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found?.size ?? 0;
  let sum = 0;
  for (const name of await readdir(path).catch((): string[] => [])) sum += await bytesOf(join(path, name), until);
  return sum;
}
