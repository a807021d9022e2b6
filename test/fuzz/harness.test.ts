import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fuzz } from './run-fuzz.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'genki-fuzz-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (target: string, index?: number) => fuzz({
  seed: '1', cases: 60, only: { target, ...(index !== undefined && { index }) }, targets: new URL('support/broken-targets.ts', import.meta.url).href,
  hangMs: target === 'hangs' ? 1000 : 20_000, progress: join(folder, 'progress'), folder, keep: folder,
});

/** What the fuzzer says of a target. */
async function said(target: string, index?: number): Promise<string> {
  const { told, ended } = await run(target, index);
  return ended ?? told.map((one) => (one.kind === 'violation' ? one.text : one.kind))[0]!;
}

it.each([
  ['is-sound', 'target'],
  ['hangs', 'hangs/1: hangs for more than 1000 ms\nseed 1, case hangs/1: '],
  ['eats-heap', 'eats-heap/1: needs more than 256 MiB of heap'],
  ['eats-memory', 'eats-memory: grows the process by '],
  ['is-slow', 'is-slow: takes 2'],
  ['throws', 'throws: SyntaxError: '],
  ['accepts', 'accepts: Expected no more bytes than 8'],
  ['refuses', 'refuses: refuses its valid file 0'],
  ['ends', 'ends/1: ends the process (3)'],
])('tells of a reader that %s', async (target, expected) => {
  expect(await said(target)).toContain(expected);
});

it('makes what it found small, and keeps it', async () => {
  const text = await said('accepts');
  const [, file] = /, 9 of them in (\S+)$/.exec(text) ?? [];
  expect(readFileSync(file!)).toHaveLength(9);
  const [, again] = /case accepts\/(\d+)/.exec(text) ?? [];
  expect(await said('accepts', Number(again))).toBe(text);
});
