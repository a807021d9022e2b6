import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, type Disk } from '../../../../genki/chain/local/journal.ts';
import { temporaryFolder } from '../support.ts';
import { smallDisk } from './small-disk.ts';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'journal.jsonl');
});
afterEach(() => folder.remove());

const header = { version: 2 };

async function write(...entries: object[]): Promise<void> {
  const { journal } = await openJournal(path);
  for (const entry of entries) await journal.append(entry);
  await journal.close();
}

async function read(): Promise<unknown[]> {
  const { journal, entries } = await openJournal(path);
  await journal.close();
  return entries;
}

describe('the journal', () => {
  it('gives back what was appended, in order, over several openings', async () => {
    await write(header, { text: 'two\nlines' });
    await write({ list: [3] });
    expect(await read()).toEqual([header, { text: 'two\nlines' }, { list: [3] }]);
  });

  it('leaves extrinsics on the disk until somebody reads the line', async () => {
    const block = { message: 'says ,"extrinsics":[ and é', extrinsics: ['aa', 'bb'] };
    await write(header, block, { extrinsics: [] });
    const { journal, entries } = await openJournal(path);
    expect(entries).toEqual([header, { message: block.message }, { extrinsics: [] }]);
    expect(await journal.append({ extrinsics: ['cc'] })).toBe(4);
    expect([1, 2, 4].map((line) => journal.read(line))).toEqual([header, block, { extrinsics: ['cc'] }]);
    expect(() => journal.read(5)).toThrow('Expected a line up to 4, got 5');
    await journal.close();
  });

  it('cuts a tail torn at any byte of its last two entries and goes on from there', async () => {
    await write(header, { a: 'one' }, { b: 'two' });
    const whole = readFileSync(path);
    const ends = [...whole.keys()].filter((at) => whole[at] === 0x0a).map((at) => at + 1);
    for (let end = ends[0]!; end <= whole.length; end++) {
      writeFileSync(path, whole.subarray(0, end));
      expect(await read(), `cut at ${end}`).toEqual([header, { a: 'one' }, { b: 'two' }].slice(0, ends.filter((of) => of <= end).length));
    }
    writeFileSync(path, whole.subarray(0, ends[2]! - 1));
    await write({ c: 'three' });
    appendFileSync(path, Buffer.alloc(50));
    expect(await read()).toEqual([header, { a: 'one' }, { c: 'three' }]);
  });

  it('refuses any changed byte of an acknowledged line, naming file and line', async () => {
    await write(header, { a: 'two' }, { b: 'three' });
    const whole = readFileSync(path);
    const second = whole.indexOf('\n') + 1;
    const third = whole.indexOf('\n', second) + 1;
    for (let at = second; at < third; at += 7) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      writeFileSync(path, changed);
      await expect(read(), `at ${at}`).rejects.toThrow(expect.objectContaining({ name: 'ChecksumMismatch', message: expect.stringContaining(`line 2 of ${path}`) }));
    }
  });

  it('refuses lines that are missing, doubled or exchanged', async () => {
    await write(header, { a: 1 }, { a: 2 });
    const [one, two, three] = readFileSync(path, 'utf8').split('\n');
    for (const lines of [[one, three], [one, one, two], [two, one, three], [one, '', two], [one, '{}', two]]) {
      writeFileSync(path, `${lines.join('\n')}\n`);
      await expect(read()).rejects.toThrow('Expected line');
    }
  });

  it('names the version of one that another build wrote', async () => {
    writeFileSync(path, `{"sum":"0x${'0'.repeat(64)}","entry":{"genesis":{}}}\n`);
    await expect(read()).rejects.toThrow(expect.objectContaining({ name: 'InvalidInput', message: expect.stringContaining('Expected a journal of version 2, got version 1') }));
    writeFileSync(path, `{"sum":"${'0'.repeat(64)}","entry":{"version":3,"x":1}}\n`);
    await expect(read()).rejects.toThrow(expect.objectContaining({ name: 'NewerSchema', message: expect.stringContaining('got version 3') }));
  });
});

describe('a disk', () => {
  it('that is full at any byte of a line costs nothing but that line, and nothing once there is room again', async () => {
    for (let room = 0; room < 90; room += 3) {
      const { fill, wrap } = smallDisk();
      const { journal } = await openJournal(path, wrap);
      await journal.append(header);
      fill(room);
      await expect(journal.append({ lost: 1 })).rejects.toThrow(expect.objectContaining({ name: 'ChainUnavailable', message: expect.stringContaining('ENOSPC') }));
      fill(Infinity);
      await journal.append({ kept: room });
      await journal.close();
      expect(await read()).toEqual([header, { kept: room }]);
      writeFileSync(path, '');
    }
  });

  it.each(['datasync', 'truncate'] as const)('that fails to %s may have lost something: the journal takes no more', async (step) => {
    const { fill, wrap } = smallDisk();
    const { journal } = await openJournal(path, (disk): Disk => ({ ...wrap(disk), [step]: () => Promise.reject(new Error('EIO')) }));
    fill(step === 'truncate' ? 10 : Infinity);
    await expect(journal.append(header)).rejects.toThrow('EIO');
    fill(Infinity);
    await expect(journal.append(header)).rejects.toThrow('open it again');
    await journal.close();
    expect((await read()).length).toBe(step === 'truncate' ? 0 : 1);
  });
});
