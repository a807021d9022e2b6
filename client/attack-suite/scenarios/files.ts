import { execFile } from 'node:child_process';
import { appendFile, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { lyingHeader, truncated, withInfinity, withNaN, wrongDtype, wrongShape } from '../../../genki/attacks/broken-files.ts';
import { inflateNorm } from '../../../genki/attacks/norm.ts';
import { manifestKeyOf } from '../../../genki/protocol/commit-record.ts';
import { encodeAdapter } from '../../../genki/music/lora.ts';
import type { Hostile } from '../cast.ts';
import type { Scenario } from './scenario.ts';

const EIGHT_GIBIBYTES = 2 ** 33;

const broken = (name: string, tries: string, breaks: (file: Uint8Array) => Uint8Array): [string, Scenario] => [
  name,
  { tries, play: (cast) => ({ epoch: cast.epoch, attackers: [cast.file(name, breaks(encodeAdapter(cast.adapter('march'))))], place: { at: 'first' } }) },
];

/** What lies in the bucket instead of the file that was committed, until the returned function is called. */
const laid = (name: string, tries: string, meanwhile: (path: string) => Promise<() => Promise<void>>): [string, Scenario] => [
  name,
  {
    tries,
    play: (cast) => {
      const hostile = cast.hostile(name, cast.adapter('march'));
      return { epoch: cast.epoch, attackers: [hostile], place: { at: 'first' }, meanwhile: (root) => meanwhile(join(root, hostile.miner.bucket, sealedOf(hostile))) };
    },
  },
];

const sealedOf = ({ handed: { objects, record } }: Hostile): string => [...objects.keys()].find((key) => key !== manifestKeyOf(record.commit!))!;
const nothingToEnd = async (): Promise<void> => undefined;

/** Of 8 GiB, none of which is on the disk. */
async function oversize(path: string): Promise<() => Promise<void>> {
  const file = await open(path, 'r+');
  await file.truncate(EIGHT_GIBIBYTES);
  await file.close();
  return nothingToEnd;
}

/** A pipe that nobody writes into: reading it would wait for ever. Where there are no pipes nothing lies there. */
async function neverEnding(path: string): Promise<() => Promise<void>> {
  await rm(path);
  if (process.platform === 'win32') return nothingToEnd;
  await promisify(execFile)('mkfifo', [path]);
  return nothingToEnd;
}

/** Grows by the millisecond while it is read. */
async function growing(path: string): Promise<() => Promise<void>> {
  let isOver = false;
  await writeFile(path, 'x', { flag: 'a' });
  const writing = (async () => {
    while (!isOver) {
      await appendFile(path, 'x'.repeat(4096));
      await wait(1);
    }
  })();
  return async () => {
    isOver = true;
    await writing;
  };
}

/** Objects that no reader should survive less than whole. */
export const files: ReadonlyMap<string, Scenario> = new Map([
  broken('truncated-file', 'half a file', truncated),
  broken('lying-header', 'a header of 2⁶⁰ bytes', lyingHeader),
  broken('not-a-number', 'NaN among the values', withNaN),
  broken('infinity', 'an infinite value', withInfinity),
  broken('wrong-shape', 'a tensor turned on its side', wrongShape),
  broken('wrong-dtype', 'half floats', wrongDtype),
  laid('oversized-object', 'an object of 8 GiB', oversize),
  laid('endless-object', 'an object that never ends', neverEnding),
  laid('changing-object', 'an object that grows while it is read', growing),
  ['infinite-norm', { tries: 'finite values, an infinite update', play: (cast) => ({ epoch: cast.epoch, attackers: [cast.hostile('infinite-norm', inflateNorm(cast.adapter('march'), 1e30))], place: { at: 'first' } }) }],
]);
