import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InvalidInput } from '../../errors.ts';

const held = new Set<string>();

/**
 * Takes a folder for this process until the returned function is called or the process ends.
 *
 * @throws {InvalidInput} when a living process holds it
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true });
  const path = resolve(dir, 'lock');
  if (held.has(path)) throw new InvalidInput(`Expected ${dir} to be free, but this process holds it already`);
  held.add(path);
  try {
    await takeLock(dir, path);
  } catch (error) {
    held.delete(path);
    throw error;
  }
  return async () => {
    await rm(path, { force: true });
    held.delete(path);
  };
}

/** Writes the file aside and links it into place: nobody ever reads a lock without its pid. */
async function takeLock(dir: string, path: string): Promise<void> {
  const mine = join(dir, `lock.${process.pid}`);
  await writeFile(mine, String(process.pid));
  try {
    if (await linked(mine, path)) return;
    const holder = Number(await readFile(path, 'utf8').catch(() => ''));
    if (isAlive(holder)) throw new InvalidInput(`Expected ${dir} to be free, but process ${holder} holds it`);
    await rm(path, { force: true });
    if (!(await linked(mine, path))) throw new InvalidInput(`Expected ${dir} to be free, but another process took it`);
  } finally {
    await rm(mine, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A lock with our own pid was left by an earlier process: in a container pids come back. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
