import { open, stat } from 'node:fs/promises';
import { InvalidInput, TooLarge } from '../errors.ts';
import { boundedRead } from '../store/bounded-read.ts';
import { isWithin } from './json-bounds.ts';

/** Of the files beside a model's tensors: the largest, a tokenizer, has a few million bytes and values. */
const MAX_BYTES = 2 ** 26;
const BOUNDS = { depth: 32, values: 2 ** 22 };

/**
 * What a small file in UTF-8 says, or none when there is no such file.
 * @throws {InvalidInput} when it is something else than a file, or too large
 */
export async function readSmallFile(path: string, maxBytes = MAX_BYTES): Promise<string | undefined> {
  // asked before it is opened: a pipe would never answer
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new InvalidInput(`Expected ${path} to be a file, got something else`);
  const file = await open(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await boundedRead(file, path, { maxBytes }));
  } catch (cause) {
    if (cause instanceof TooLarge) throw new InvalidInput(cause.message, { cause });
    if (cause instanceof TypeError) throw new InvalidInput(`Expected ${path} to be text in UTF-8, got other bytes`, { cause });
    throw cause;
  } finally {
    await file.close();
  }
}

/**
 * The value of a JSON text.
 * @param path what the message calls it
 * @throws {InvalidInput} when it is no JSON, or too deep or too large
 */
export function parseSmallFile(text: string, path: string): unknown {
  if (!isWithin(text, BOUNDS)) throw new InvalidInput(`Expected ${path} to have at most ${BOUNDS.depth} levels and ${BOUNDS.values} values, got more`);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new InvalidInput(`Expected ${path} to be JSON, got other text`, { cause });
  }
}
