import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { olderLog, rotatingLog } from '../../../client/embedded/rotating-log.ts';
import { Follower } from '../../../client/logs/follow.ts';
import { inTimeOrder, newestLines, servicesOf } from '../../../client/logs/log-lines.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'genki-logs-')); });
afterEach(() => rmSync(folder, { recursive: true }));

const file = (service: string): string => join(folder, `${service}.log`);
const all = { lines: Infinity, since: -Infinity };
const texts = (lines: readonly { text: string }[]): string[] => lines.map(({ text }) => text);

describe('logs', () => {
  it('are merged in the order of their times, a line without one after the line that it follows', async () => {
    writeFileSync(file('chain'), 'ready\n2026-01-01T00:00:01Z one\n2026-01-01T00:00:04.500Z four\n');
    writeFileSync(file('temporal'), 'time=2026-01-01T00:00:02.000Z level=ERROR two\n  more of two\n{"ts":"2026-01-01T03:00:03.000+03:00","msg":"three"}\n');
    const lines = (await Promise.all(['chain', 'temporal'].map((service) => newestLines(folder, service, all)))).flat();
    expect(texts(inTimeOrder(lines)).map((text) => /one|more|two|three|four|ready/.exec(text)![0])).toEqual(['ready', 'one', 'two', 'more', 'three', 'four']);
    expect(await servicesOf(folder)).toEqual(['chain', 'temporal']);
  });

  it('are read from their end, across the older file, whole lines only', async () => {
    const line = (i: number): string => `2026-01-01T00:00:00Z ${'x'.repeat(2000)} é ${i}\n`;
    writeFileSync(olderLog(file('chain')), Array.from({ length: 100 }, (_, i) => line(i)).join(''));
    writeFileSync(file('chain'), Array.from({ length: 10 }, (_, i) => line(100 + i)).join(''));
    for (const count of [1, 9, 10, 11, 60, 110]) {
      const found = texts(await newestLines(folder, 'chain', { ...all, lines: count }));
      expect(found.map((text) => Number(text.split(' ').at(-1)))).toEqual(Array.from({ length: count }, (_, i) => 110 - count + i));
      expect(found.every((text) => text === line(Number(text.split(' ').at(-1))).trimEnd())).toBe(true);
    }
    expect(await newestLines(folder, 'chain', { ...all, lines: 0 })).toEqual([]);
    expect(await newestLines(folder, 'nobody', all)).toEqual([]);
  });

  it('can be cut at a time', async () => {
    writeFileSync(file('chain'), Array.from({ length: 5000 }, (_, i) => `${new Date(i * 1000).toISOString()} ${i}\n`).join(''));
    expect(texts(await newestLines(folder, 'chain', { lines: Infinity, since: 4_998_000 }))).toEqual([expect.stringMatching(/ 4998$/), expect.stringMatching(/ 4999$/)]);
  });

  it('give a terminal nothing to obey', async () => {
    writeFileSync(file('chain'), '\u001b[31mred\u001b[2J\u001b]0;title\u0007 and\tbell\u0007\u009b5m\r\n');
    const [line] = texts(await newestLines(folder, 'chain', all));
    expect(line).toMatch(/^red.* and\tbell/);
    expect(line).not.toMatch(/(?!\t)\p{Cc}/u);
  });

  it('are followed, also into a file that is begun anew, each line once and when it is whole', async () => {
    writeFileSync(file('chain'), 'before\n');
    const follower = new Follower(folder, 'chain');
    await follower.skip();
    expect(await follower.read()).toEqual([]);
    appendFileSync(file('chain'), 'one\ntw');
    expect(texts(await follower.read())).toEqual(['one']);
    appendFileSync(file('chain'), 'o\nthree\n');
    renameSync(file('chain'), olderLog(file('chain')));
    writeFileSync(file('chain'), 'four\n');
    expect(texts(await follower.read())).toEqual(['two', 'three', 'four']);
    rmSync(file('chain'));
    expect(await follower.read()).toEqual([]);
  });
});

describe('a log that rotates', () => {
  it('keeps two files of a bounded size, and the newest of what it was given', async () => {
    const log = rotatingLog(file('chain'), 100);
    for (let i = 0; i < 50; i++) log.write(`line ${String(i).padStart(4, '0')}\n`);
    log.end();
    await once(log, 'finish');
    for (const name of [file('chain'), olderLog(file('chain'))]) expect(statSync(name).size).toBe(100);
    expect(`${readFileSync(olderLog(file('chain')), 'utf8')}${readFileSync(file('chain'), 'utf8')}`).toMatch(/^line 0030\n[^]*line 0049\n$/);
  });

  it('takes what it cannot write, and goes on when it can', async () => {
    const log = rotatingLog(join(folder, 'gone', 'chain.log'));
    log.write('lost\n');
    await new Promise((resolve) => log.write('lost\n', resolve));
    expect(log.errored).toBeNull();
  });
});
