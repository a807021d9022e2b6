import { constants } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { InvalidInput } from '../../genki/errors.ts';
import { boundedRead } from '../../genki/store/bounded-read.ts';
import { codeOf } from '../../genki/store/system-errors.ts';

const MAX_SIDECAR_BYTES = 2 ** 16;

/** @throws {InvalidInput} {TooLarge} naming the file */
export const readFileWithin = async (path: string, maxBytes: number): Promise<Uint8Array> => await withFile(path, (file) => boundedRead(file, path, { maxBytes }));

/**
 * What `use` makes of an open file.
 * @throws {InvalidInput} when it cannot be opened or read, or is none
 */
export async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  // not to wait for a named pipe's writer
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new InvalidInput(`Expected a file ${path} that can be read`, { cause });
  });
  try {
    if (!(await file.stat()).isFile()) throw new InvalidInput(`Expected a file, got something else at ${path}`);
    return await use(file);
  } catch (cause) {
    throw codeOf(cause) === '' ? cause : new InvalidInput(`Expected a file ${path} that can be read, got ${codeOf(cause)}`, { cause });
  } finally {
    await file.close();
  }
}

/** What lies beside a song; undefined when nothing does. @throws {TooLarge} */
export async function sideCar(path: string): Promise<Uint8Array | undefined> {
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isFile() === true ? await readFileWithin(path, MAX_SIDECAR_BYTES) : undefined;
}
