import { constants } from 'node:fs';
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { InvalidInput } from '../../errors.ts';

/**
 * Takes a folder for this process until the returned function is called or the process ends.
 *
 * What is held is a listener's name in the kernel (an abstract socket on Linux, a pipe on Windows), made of the folder's
 * device and inode: the kernel gives it to one process at a time and takes it back when that one ends, however it ends.
 * So nothing is left behind that could be stale, and a pid that passed to another process means nothing. The file
 * `lock` only tells a person who it is. Elsewhere an exclusive lock on that file does the same. It does not reach
 * beyond one machine.
 *
 * @throws {InvalidInput} when a living process holds it
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true });
  const note = join(dir, 'lock');
  const release = await (process.platform === 'linux' || process.platform === 'win32' ? holdName(await nameOf(dir)) : holdFile(note));
  if (release === undefined) {
    const pid = await readFile(note, 'utf8').catch(() => '');
    throw new InvalidInput(`Expected ${dir} to be free, but ${pid === '' ? 'another process' : pid === String(process.pid) ? 'this process' : `process ${pid}`} holds it`);
  }
  // a courtesy: a full disk is no reason not to start
  await writeFile(note, String(process.pid)).catch(() => undefined);
  return async () => {
    await rm(note, { force: true });
    await release();
  };
}

type Release = () => Promise<void>;

async function nameOf(dir: string): Promise<string> {
  const { dev, ino } = await stat(dir, { bigint: true });
  return process.platform === 'win32' ? `\\\\.\\pipe\\genki-chain-${dev}-${ino}` : `\0genki-chain-${dev}-${ino}`;
}

function holdName(name: string): Promise<Release | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(undefined) : reject(error)));
    server.listen(name, () => {
      server.unref();
      resolve(() => new Promise((closed) => server.close(() => closed())));
    });
  });
}

/** BSD's O_EXLOCK, which macOS has too and Node does not name. */
const O_EXLOCK = 0x20;

async function holdFile(path: string): Promise<Release | undefined> {
  try {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK, 0o600);
    return () => file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}
