import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { olderLog } from '../embedded/rotating-log.ts';

export type LogLine = { readonly service: string; /** ms since 1970; a line without a time has that of the one before */ readonly at: number; readonly text: string };

export type Wanted = { readonly lines: number; /** ms since 1970 */ readonly since: number };

const BLOCK_BYTES = 64 * 1024;
/** Of one file: both that a service keeps are smaller, so that this matters only for strange ones. */
const MAX_READ_BYTES = 32 * 2 ** 20;
const MAX_LINE = 8192;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/;
/** A time of the line itself stands at its beginning, as do `time=` and the braces of JSON. */
const TIME_WITHIN = 120;

/** The services that have a log in this folder. */
export async function servicesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.filter((name) => name.endsWith('.log')).map((name) => name.slice(0, -'.log'.length)).sort();
}

/** The newest lines of a service's log, oldest first; no more of the files is read than they take. */
export async function newestLines(folder: string, service: string, { lines, since }: Wanted): Promise<LogLine[]> {
  if (lines === 0) return [];
  let newlines = 0;
  const isEnough = (block: string): boolean => {
    newlines += block.split('\n').length - 1;
    const time = Number.isFinite(since) ? timeOf(block, block.length) : undefined;
    return newlines > lines || (time !== undefined && time < since);
  };
  const file = join(folder, `${service}.log`);
  const newest = await newestText(file, isEnough);
  const older = newest.isWhole ? await newestText(olderLog(file), isEnough) : { text: '' };
  const found = linesOf(service, older.text + newest.text, undefined).filter(({ at }) => at >= since);
  return found.slice(-lines);
}

/** Lines of all services in the order of their times; those of one service stay in their own order. */
export const inTimeOrder = (lines: readonly LogLine[]): LogLine[] => lines.toSorted((a, b) => a.at - b.at);

/** The lines of a text, without what a terminal would obey; `last` is the time of what came before it. */
export function linesOf(service: string, text: string, last: number | undefined): LogLine[] {
  const texts = text.split('\n').filter((line) => line !== '');
  let at = last ?? texts.map((line) => timeOf(line)).find((time) => time !== undefined) ?? 0;
  return texts.map((line) => {
    at = timeOf(line) ?? at;
    return { service, at, text: harmless(line) };
  });
}

function timeOf(text: string, within = TIME_WITHIN): number | undefined {
  const found = TIME.exec(text.slice(0, within))?.[0];
  const time = found === undefined ? NaN : Date.parse(found);
  return Number.isNaN(time) ? undefined : time;
}

/** Logs quote what strangers wrote. */
function harmless(line: string): string {
  const text = stripVTControlCharacters(line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line);
  return text.replace(/(?!\t)\p{Cc}/gu, '?');
}

/** The end of a file, from the beginning of a line; as many blocks as it takes. */
async function newestText(file: string, isEnough: (block: string) => boolean): Promise<{ text: string; isWhole: boolean }> {
  if (!(await stat(file).then((found) => found.isFile(), () => false))) return { text: '', isWhole: true };
  const handle = await open(file, 'r');
  try {
    const blocks: Buffer[] = [];
    const { size } = await handle.stat();
    let from = size;
    for (let isDone = false; from > 0 && !isDone && size - from < MAX_READ_BYTES; ) {
      const block = Buffer.alloc(Math.min(BLOCK_BYTES, from));
      from -= block.length;
      await handle.read(block, 0, block.length, from);
      blocks.unshift(block);
      isDone = isEnough(block.toString('latin1'));
    }
    const text = Buffer.concat(blocks).toString();
    return from === 0 ? { text, isWhole: true } : { text: text.slice(text.indexOf('\n') + 1), isWhole: false };
  } finally {
    await handle.close();
  }
}
