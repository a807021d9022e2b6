import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CodesCache } from '../../../client/data/codes-cache.ts';

const root = mkdtempSync(join(tmpdir(), 'genki-codes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const key = (digit: string): string => digit.repeat(64);

describe('the cache of codes', () => {
  it('finds what it keeps, also another time, and nothing else', async () => {
    const folder = join(root, 'a');
    const cache = await CodesCache.open(folder);
    await cache.keep(key('a'), Uint8Array.of(1, 2, 3));
    expect(await cache.find(key('a'))).toEqual(Uint8Array.of(1, 2, 3));
    expect(await (await CodesCache.open(folder)).find(key('a'))).toEqual(Uint8Array.of(1, 2, 3));
    expect(await cache.find(key('b'))).toBeUndefined();
    await cache.keep(key('a'), Uint8Array.of(4));
    expect(await cache.find(key('a'))).toEqual(Uint8Array.of(4));
  });

  it('sweeps what a writer that is no more has left', async () => {
    const folder = join(root, 'b');
    mkdirSync(join(folder, '.incoming'), { recursive: true });
    writeFileSync(join(folder, '.incoming', '0-left'), 'half');
    await CodesCache.open(folder);
    expect(readdirSync(join(folder, '.incoming'))).toEqual([]);
  });

  it('lets go of what was not used for the longest time', async () => {
    const folder = join(root, 'c');
    const cache = await CodesCache.open(folder);
    for (const [digit, used] of [['a', 3000], ['b', 1000], ['c', 2000]] as const) {
      await cache.keep(key(digit), new Uint8Array(100));
      utimesSync(join(folder, key(digit)), used, used);
    }
    await cache.find(key('b'));
    await CodesCache.open(folder, 250);
    expect(readdirSync(folder).sort()).toEqual(['.incoming', key('a'), key('b')]);
  });

  it('is as if there were none where the disk refuses', async () => {
    const file = join(root, 'file');
    writeFileSync(file, 'no folder');
    const cache = await CodesCache.open(join(file, 'codes'));
    await cache.keep(key('a'), Uint8Array.of(1));
    expect(await cache.find(key('a'))).toBeUndefined();
  });
});
