import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ChecksumMismatch } from '../../errors.ts';
import { blake2Hash } from '../keys.ts';
import { syncFolder } from '../../store/sync-folder.ts';

/**
 * An append-only file of JSON lines `{"sum":"0x…","entry":…}`, each `sum` being the blake2b-256 of the sum before it and
 * the entry's text.
 *
 * 1. `append` returns after the line is on the disk: only then may anybody hear of it.
 * 2. Bytes after the last line break were never acknowledged: `openJournal` cuts them off.
 * 3. Any other line that does not match its sum is damage, and refused by its number.
 */
export interface Journal {
  /** @throws after a failed write the journal takes no more: it must be opened again */
  append(entry: unknown): Promise<void>;
  close(): Promise<void>;
}

const FIRST_SUM = blake2Hash(new TextEncoder().encode('genki local chain journal 1'));

/**
 * The journal and all its entries.
 *
 * @throws {ChecksumMismatch} naming file and line, when an acknowledged line was changed
 */
export async function openJournal(path: string): Promise<{ journal: Journal; entries: unknown[] }> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+', 0o600);
  try {
    const bytes = await readFile(path);
    const end = bytes.lastIndexOf('\n') + 1;
    const { entries, sum } = readLines(path, bytes.toString('utf8', 0, end).split('\n').slice(0, -1));
    if (end < bytes.length) await file.truncate(end);
    await file.sync();
    await syncFolder(dirname(path));
    return { journal: appendTo(file, sum), entries };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function appendTo(file: FileHandle, start: string): Journal {
  let sum = start;
  let broken: unknown;
  return {
    async append(entry) {
      if (broken !== undefined) throw new Error('Expected a journal without a failed write', { cause: broken });
      const text = JSON.stringify(entry);
      const next = sumOf(sum, text);
      try {
        await file.appendFile(`{"sum":"${next}","entry":${text}}\n`);
        await file.datasync();
      } catch (error) {
        broken = error;
        throw error;
      }
      sum = next;
    },
    close: () => file.close(),
  };
}

function readLines(path: string, lines: readonly string[]): { entries: unknown[]; sum: string } {
  let sum = FIRST_SUM;
  const entries = lines.map((line, i) => {
    const [, found, text] = /^\{"sum":"(0x[0-9a-f]{64})","entry":(.*)\}$/.exec(line) ?? [];
    const expected = text === undefined ? undefined : sumOf(sum, text);
    if (text === undefined || expected !== found) {
      throw new ChecksumMismatch(`Expected line ${i + 1} of ${path} to continue line ${i}, got ${found ? `sum ${found} instead of ${expected}` : 'no journal line'}`);
    }
    sum = expected!;
    return JSON.parse(text) as unknown;
  });
  return { entries, sum };
}

const sumOf = (before: string, text: string): string => blake2Hash(new TextEncoder().encode(before + text));
